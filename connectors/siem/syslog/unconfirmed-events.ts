/** Which events were written to a connection and are not known to have arrived. */
export interface UnconfirmedEvents {
  /** `seq` up to which every event arrived. */
  readonly settled: number;
  /** When the last of them was written, milliseconds of `performance.now()`; `undefined` without any. */
  readonly lastWritten: number | undefined;
  /** Says where a sender begins: what comes before is not its concern. Of no effect while anything is unconfirmed. */
  beginAt(seq: number): void;
  /** Events up to `seq` are about to be written: if that fails, what the receiver got of them is not known. */
  writing(seq: number): void;
  /** They were. */
  written(): void;
  /** What was written until then has arrived. */
  confirmUntil(at: number): void;
  /** They are to be sent again. Answers whether there were any. */
  drop(): boolean;
}

export function createUnconfirmedEvents(): UnconfirmedEvents {
  let events: { readonly seq: number; at: number }[] = [];
  let settled = 0;
  return {
    get settled() {
      return settled;
    },
    get lastWritten() {
      return events.at(-1)?.at;
    },
    beginAt(seq) {
      if (events.length === 0) settled = seq - 1;
    },
    writing: (seq) => void events.push({ seq, at: Number.POSITIVE_INFINITY }),
    written() {
      const last = events.at(-1);
      if (last !== undefined) last.at = performance.now();
    },
    confirmUntil(at) {
      settled = events.findLast((event) => event.at <= at)?.seq ?? settled;
      events = events.filter((event) => event.at > at);
    },
    drop() {
      const any = events.length > 0;
      events = [];
      return any;
    },
  };
}
