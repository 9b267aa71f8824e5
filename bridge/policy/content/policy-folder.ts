import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '../../../protocol/canonical-json.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { POLICY_LENGTH, type PolicyContent } from '../../../protocol/policy-bundle.ts';
import { faultsOf, type PolicyFault } from './policy-faults.ts';

export const SCHEMA_FILE = 'countersign.cedarschema';
export const DATA_FILE = 'data.json';
/** Questions with their expected answers: they prove the policies, and are no part of them. */
export const CASES_FOLDER = 'cases';

/**
 * The policy that a folder holds: the schema, `data.json` and the `.cedar` files, all at its top. Throws
 * `policy_invalid` with every fault of the folder; the content itself is for `compilePolicy` to judge.
 */
export function readPolicyFolder(folder: string): PolicyContent {
  const faults: PolicyFault[] = [];
  const names = listFolder(folder).filter((name) => !name.startsWith('.') && name !== CASES_FOLDER);
  const known = (name: string) => name === SCHEMA_FILE || name === DATA_FILE || name.endsWith('.cedar');
  for (const name of names.filter((each) => !known(each))) {
    faults.push({ file: name, what: 'is no file of a policy', remedy: 'Take it out of the folder.' });
  }
  const text = (name: string): string => {
    try {
      return decoder.decode(readFileSync(join(folder, name)).subarray(0, POLICY_LENGTH + 1));
    } catch (cause) {
      faults.push({ file: name, what: `cannot be read: ${cause instanceof Error ? cause.message : cause}` });
      return '';
    }
  };
  const schema = text(SCHEMA_FILE);
  const data = parseData(text(DATA_FILE), faults);
  const files = names.filter((name) => name.endsWith('.cedar')).sort();
  const policies = Object.fromEntries(files.map((name) => [name, text(name)]));
  if (faults.length > 0) throw faultsOf(faults);
  return { schema, policies, data };
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new CountersignError('policy_invalid', `${folder} is no folder of policies`, { cause });
  }
}

function parseData(text: string, faults: PolicyFault[]): PolicyContent['data'] {
  try {
    const data: Json = JSON.parse(text);
    if (isObject(data)) return data;
    faults.push({ file: DATA_FILE, what: 'is no JSON object' });
  } catch (cause) {
    faults.push({ file: DATA_FILE, what: `is no JSON: ${cause instanceof Error ? cause.message : cause}` });
  }
  return {};
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
