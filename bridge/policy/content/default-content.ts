import { join } from 'node:path';
import type { PolicyContent } from '../../../protocol/policy-bundle.ts';
import { packageRoot } from '../../lib/version.ts';
import { readPolicyFolder } from './policy-folder.ts';

/** Where the policies that are shipped lie; beside package.json, above both the sources and the built files. */
export function defaultPolicyFolder(): string {
  return join(packageRoot(), 'policies');
}

let content: PolicyContent | undefined;

/** The policy that a new bridge begins with, as it is shipped. Throws `policy_invalid` when the installation is broken. */
export function readDefaultContent(): PolicyContent {
  content ??= readPolicyFolder(defaultPolicyFolder());
  return content;
}
