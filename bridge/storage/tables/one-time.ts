/** What must never be used twice: assertion ids, nonces, `jti` of bridge-to-bridge requests. */
export interface OneTimeTables {
  one_time: {
    kind: string;
    id: string;
    /** ms since the epoch; from then on the thing is refused for its age. */
    expires_at: number;
  };
}
