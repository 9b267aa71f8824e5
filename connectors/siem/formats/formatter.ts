import type { SinkEvent } from '../sink-event.ts';

export const FORMAT_NAMES = ['plain', 'ocsf', 'ecs', 'cef', 'cloudevents'] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

/** Where events come from. */
export interface EventOrigin {
  /** Entity id of the bridge. */
  readonly iss: string;
  readonly organization: string;
  /** Of the software. */
  readonly version: string;
}

/** Formats that hold part of an event, and have a field for the original as it was. */
export const ORIGINAL_FORMATS: readonly FormatName[] = ['ocsf', 'ecs', 'cef'];

/** An event in the form that a receiver understands. */
export interface Formatter {
  readonly name: FormatName;
  /** One line without its end. JSON, but for `cef`. Never throws: any text that an event can hold fits. */
  format(event: SinkEvent): string;
  /** Where each event carries its original: the same without it, for receivers that bound what they take. */
  readonly withoutOriginal?: Formatter;
}
