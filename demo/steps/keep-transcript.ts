import { finding, must } from '../finding.ts';
import { ADA, GWEN } from '../stage/people.ts';
import { codeOf } from '../stage/refusal.ts';
import type { Step } from '../step.ts';

export const keepTranscript: Step = {
  name: 'keep-transcript',
  title: 'The transcript stays readable, to the right people',
  story:
    'The meeting is over, and its keys are gone. Ada’s app seals the transcript to a durable group of hers and Gwen’s. ' +
    'The sealed file may lie anywhere: Gwen’s app opens it through both bridges, Hal’s does not, and nobody can change it.',
  async run(stage) {
    const ada = stage.ada.get().client;
    const transcript = stage.transcript.get();
    const { iss, group, label } = await ada.groups.create({ kind: 'durable', label: 'Plans for spring' });
    const { added } = await ada.groups.add({ iss, group }, { people: [GWEN.address] });
    must(added === 1, 'Gwen was not added');
    const sealed = await ada.assets.seal(new TextEncoder().encode(transcript), { to: { iss, group } });
    const file = new Uint8Array(await new Response(sealed.stream).arrayBuffer());

    const open = async (who: 'gwen' | 'hal', bytes: Uint8Array<ArrayBuffer>) => {
      const from = { iss, group, expected: ADA.address };
      const { stream, sealer } = await stage[who].get().client.assets.open(bytes, { from });
      return { text: await new Response(stream).text(), sealer };
    };
    const { text, sealer } = await open('gwen', file);
    must(text === transcript && sealer.address === ADA.address, 'Gwen reads something else');
    const byHal = await codeOf(() => open('hal', file));
    const changed = await codeOf(() => open('gwen', withLastByteChanged(file)));
    return [
      finding('the group', `“${label}”, ${group}: Ada and Gwen`),
      finding('the sealed file', `${file.length} bytes for ${transcript.length} characters`),
      finding('Gwen opens it', `${text.split('\n').length} lines, sealed by ${sealer.address}`),
      finding('Hal tries', `refused: ${byHal}`),
      finding('one byte changed', `refused: ${changed}`),
    ];
  },
};

function withLastByteChanged(file: Uint8Array): Uint8Array<ArrayBuffer> {
  const changed = Uint8Array.from(file);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  return changed;
}
