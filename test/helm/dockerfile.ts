/** One instruction of a Dockerfile: `RUN`, and what stands after it on one line. */
export interface Instruction {
  readonly name: string;
  readonly rest: string;
}

export interface Stage {
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

/** The stages of a Dockerfile in its plain form: no heredocs, no escape directive. */
export function parseDockerfile(text: string): Stage[] {
  const stages: { name: string; instructions: Instruction[] }[] = [];
  for (const instruction of instructionsOf(text)) {
    if (instruction.name === 'FROM') {
      const name = /\bAS\s+(\S+)$/i.exec(instruction.rest)?.[1] ?? '';
      stages.push({ name, instructions: [] });
    } else {
      // Before the first FROM stands only ARG, which has its say in FROM alone.
      stages.at(-1)?.instructions.push(instruction);
    }
  }
  return stages;
}

function instructionsOf(text: string): Instruction[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
      return { name, rest };
    });
}

/** The words of an instruction in its JSON form, which needs no shell. */
export function wordsOf(stage: Stage, name: string): string[] {
  const found = stage.instructions.findLast((instruction) => instruction.name === name);
  const array = /\[.*\]$/.exec(found?.rest ?? '')?.[0];
  if (array === undefined) throw new Error(`The Dockerfile has no ${name} in the JSON form.`);
  return JSON.parse(array) as string[];
}

/** What `.dockerignore` lets in: ours refuses everything, and names what is let in. */
export function allowedPaths(text: string): string[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  if (lines[0] !== '*') throw new Error('.dockerignore must begin by refusing everything.');
  return lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
}
