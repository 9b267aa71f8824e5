import type { LogSurvey, SurveyedHeadFile, SurveyedWitness } from '../../tlog/log-survey.ts';
import { facts, table } from '../output.ts';

/** Where all of this is explained. */
const GUIDE = 'docs/guides/transparency.md, “When the bridge refuses its own log”';

/** What was found, as JSON: times in milliseconds. */
export function surveyAnswer(origin: string, survey: LogSurvey, aside: string | null) {
  const { store, headFile, witnesses, cause, detail } = survey;
  return {
    origin,
    cause,
    detail: detail ?? null,
    store: {
      size: store.size,
      root: store.newest?.root ?? null,
      epoch: store.newest?.epoch ?? null,
      time_ms: store.newest?.timeMs ?? null,
      whole: store.whole,
    },
    head_file: headFile === undefined ? null : headFileAnswer(headFile),
    witnesses: witnesses.map(({ name, said, size, error }) => ({
      ...{ name, said },
      ...{ size: size ?? null, error: error ?? null },
    })),
    set_aside: aside,
  };
}

function headFileAnswer({ path, kept, contained, written }: SurveyedHeadFile) {
  const head = kept === 'damaged' ? undefined : kept;
  return {
    path,
    state: kept === undefined ? 'missing' : kept === 'damaged' ? 'damaged' : 'there',
    origin: head?.origin ?? null,
    size: head?.size ?? null,
    root: head?.root ?? null,
    contained: contained ?? null,
    written_ms: written === undefined ? null : Math.floor(written),
  };
}

/** What was found, for people. */
export function describeSurvey(origin: string, { store, headFile, witnesses }: LogSurvey): string {
  const { newest } = store;
  return [
    facts({
      log: origin,
      store:
        newest === undefined
          ? 'nothing logged'
          : `${store.size} entries, epoch ${newest.epoch} of ${timeOf(newest.timeMs)}${store.whole ? '' : ', DAMAGED'}`,
      'its root': newest?.root ?? null,
      'head file': headFile === undefined ? 'none is configured' : headFileText(headFile),
      'its root there': rootThere(headFile),
      witnesses: witnesses.length === 0 ? 'none are configured' : null,
    }),
    ...(witnesses.length === 0
      ? []
      : [
          '',
          table(
            ['witness', 'has seen'],
            witnesses.map((witness) => [witness.name, seenBy(witness, store.size)]),
          ),
        ]),
  ].join('\n');
}

function headFileText({ path, kept, written, contained }: SurveyedHeadFile): string {
  if (kept === undefined) return `not there (${path})`;
  if (kept === 'damaged') return `DAMAGED (${path})`;
  const at = written === undefined ? '' : `, written ${timeOf(written)}`;
  const other = contained === false ? ', WHICH THE STORE DOES NOT HAVE' : '';
  return `${kept.size} entries of ${kept.origin}${other}${at} (${path})`;
}

function rootThere(headFile: SurveyedHeadFile | undefined): string | null {
  const kept = headFile?.kept;
  return kept === undefined || kept === 'damaged' ? null : kept.root;
}

function seenBy({ said, size, error }: SurveyedWitness, stored: number): string {
  switch (said) {
    case 'same':
      return stored === 0 ? 'nothing' : `${stored} entries: the newest signed checkpoint of the store`;
    case 'behind':
      return `${size} entries`;
    case 'ahead':
      return `${size} entries: MORE THAN THE STORE HAS`;
    case 'contradicted':
      return 'ANOTHER HISTORY';
    case 'unproven':
      return 'claims more, or another history, and shows nothing that this log has signed: NOT BELIEVED';
    case 'unreachable':
      return `does not answer (${error ?? 'unknown'})`;
  }
}

interface Advice {
  readonly summary: string;
  readonly steps: readonly string[];
}

const BRING_BACK = [
  '1. Stop every bridge that runs on this store or a copy of it.',
  '2. Find the newest store: the disk that was replaced, the standby, a later backup, the archived write-ahead log.',
  '   Bring it back and run `countersign log recover` again: it says when that is the right one.',
];

/** What it means, and what to do. */
export function adviceOn({ cause, detail, store, headFile, witnesses }: LogSurvey): Advice {
  switch (cause) {
    case 'good':
      if (store.size === 0) {
        return {
          summary:
            'Nothing was ever logged in this store, and no head file says otherwise: `countersign serve` begins the log.',
          steps: [],
        };
      }
      return {
        summary:
          headFile?.kept === undefined && witnesses.length === 0
            ? 'Nothing speaks against this store, but there is neither head file nor witness that would know better.'
            : 'This store holds the newest log, by all that the head file and the witnesses know: `countersign serve` starts.',
        steps: [],
      };
    case 'clock_ahead':
      return {
        summary:
          `The newest epoch of this log is of ${store.newest === undefined ? 'later' : timeOf(store.newest.timeMs)}, and that ` +
          'time has not come by the clock of this machine.',
        steps: [
          '1. Compare this machine’s clock with another one. If it is behind, set it by NTP: that is all.',
          '2. If it is right, the clock was ahead when that epoch was closed. Nothing is lost and nobody is shown anything',
          '   wrong, but the bridge logs nothing until then, and clients refuse what is from the future. Epochs cannot be',
          '   taken back, as they are signed: wait. Until then revocations act, and enrolments answer `unavailable`.',
          '3. If that is years away, this log has come to its end, as if its newest store were lost. See',
          `   ${GUIDE}.`,
        ],
      };
    case 'doubt':
      return {
        summary: `It cannot be said yet whether this is the newest store. ${detail ?? ''}`,
        steps: [
          'The bridge starts, answers, and logs nothing until enough witnesses answer. See that they can be reached, and',
          'run this again. One that is gone for good, or claims what it does not show, can be taken out of',
          'key_log.witnesses: those that are left must then know of everything that was signed. A head file on another',
          'disk than the database (key_log.head_file) is enough without them.',
        ],
      };
    case 'restored_backup':
      return {
        summary:
          'More was signed than this store has: it is a restored backup, or a standby that lacks the last commits. ' +
          'Nothing may be signed from it: partners would be shown two histories.',
        steps: [
          ...BRING_BACK,
          '3. If the newest store is lost for good, a copy of the log that somebody else keeps brings this one to where the',
          '   log ended: an auditor’s folder, or the tiles of a mirror. Look first, nothing is changed by it:',
          '     countersign log recover --from COPY',
          '   Without such a copy this log has ended. What comes of either:',
          `   ${GUIDE}.`,
        ],
      };
    case 'fork':
      return {
        summary:
          'What was signed is not what this store has: two stores have signed under one name, or what is stored was ' +
          'changed. Treat this as a security incident.',
        steps: [
          '1. Stop every bridge of this issuer, and keep everything: both stores, the head file, the events.',
          '2. The store that head file and witnesses agree with is the one to go on with: bring it back, and run this again.',
          '3. Tell your partners before they tell you: their witnesses hold the proof. See',
          `   ${GUIDE}.`,
        ],
      };
    case 'damaged_store':
      return {
        summary: `The store itself is damaged: its head, its newest checkpoint and its tree do not belong together.`,
        steps: BRING_BACK,
      };
    case 'damaged_head_file':
      return {
        summary: 'The head file is damaged: it cannot say whether this store is the newest.',
        steps: [
          'Restore it if you can. If you are sure that the store was not put back: countersign log recover --set-aside',
          ...(witnesses.length > 0
            ? ['The witnesses are asked before anything is signed then.']
            : ['Without witnesses nothing else would notice an old store.']),
        ],
      };
    case 'foreign_head_file':
      return {
        summary: `The head file is that of another log${foreignOrigin(headFile)}.`,
        steps: [
          'Most likely key_log.head_file names the file of another bridge: correct it, and run this again.',
          'If the file has no business here: countersign log recover --set-aside',
        ],
      };
    case 'earlier_store':
      return {
        summary:
          'The head file is from before this store was made: an earlier store under the same name has written it.',
        steps: [
          'If this is not the store that you meant to start, bring the right one back, and run this again.',
          'If you began anew on purpose: countersign log recover --set-aside',
          'Witnesses and partners that know the earlier log refuse the new one under the same name. See',
          `${GUIDE}.`,
        ],
      };
  }
}

/** What is asked before the head file is set aside; undefined where it may not be. */
export function setAsideQuestion({ cause, headFile, witnesses }: LogSurvey): string | undefined {
  const path = headFile?.path ?? '';
  switch (cause) {
    case 'foreign_head_file':
      return `${path} is the head file of another log${foreignOrigin(headFile)}. It will be renamed, and that bridge does not find it any more.`;
    case 'earlier_store':
      return (
        `${path} was written by an earlier store under the same name. It will be renamed, and this store begins a log of ` +
        'its own: whoever has seen the earlier one sees two histories, and your partners must be told.'
      );
    case 'damaged_head_file':
      return witnesses.length > 0
        ? `${path} is damaged. It will be renamed; whether this store is the newest is then for the witnesses to say.`
        : `${path} is damaged. It will be renamed; if this store was ever put back, NOTHING will notice, and partners ` +
            'may be shown two histories.';
    default:
      return undefined;
  }
}

function foreignOrigin(headFile: SurveyedHeadFile | undefined): string {
  const kept = headFile?.kept;
  return kept === undefined || kept === 'damaged' ? '' : ` (${kept.origin})`;
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
