import type { PolicyJson } from './cedar.ts';

/** Something that a policy asks of a request. */
export interface AttributeRead {
  /** From `principal`, `resource` or `context` down; one of the first two alone is its id. Empty: the whole request. */
  readonly path: readonly string[];
  /** Only whether it is there counts. */
  readonly presence: boolean;
}

/**
 * What evaluating these policies can depend on, beside the action and the types of principal and resource: found in
 * their JSON form, and rather more than less of it. Requests that agree in all of it get the same answer.
 */
export function attributesRead(policies: readonly PolicyJson[]): AttributeRead[] {
  const found = new Map<string, AttributeRead>();
  const note = (path: readonly string[], presence: boolean) =>
    found.set(JSON.stringify([path, presence]), { path, presence });
  for (const { principal, resource, conditions } of policies) {
    if (namesEntity(principal)) note(['principal'], false);
    if (namesEntity(resource)) note(['resource'], false);
    for (const { body } of conditions) visit(body, note);
  }
  const reads = [...found.values()];
  if (found.has(JSON.stringify([[], true]))) return [{ path: [], presence: false }];
  // Who reads the value knows whether it is there.
  return reads.filter(({ path, presence }) => !(presence && found.has(JSON.stringify([path, false]))));
}

/** Whether a policy's scope lets it apply to the action. */
export function appliesToAction({ action }: PolicyJson, id: string): boolean {
  if (action.op === 'All') return true;
  if ('entity' in action) return idOf(action.entity) === id;
  return 'entities' in action && action.entities.some((entity) => idOf(entity) === id);
}

function idOf(entity: { type: string; id: string } | { __entity: { type: string; id: string } }): string {
  return '__entity' in entity ? entity.__entity.id : entity.id;
}

/** By type alone, no id is looked at. */
function namesEntity(scope: PolicyJson['principal'] | PolicyJson['resource']): boolean {
  return scope.op === '==' || scope.op === 'in' || (scope.op === 'is' && scope.in !== undefined);
}

type Note = (path: readonly string[], presence: boolean) => void;

/** Cedar's JSON form of expressions: an object of one member, named by the operator. */
function visit(expression: unknown, note: Note): void {
  const path = pathOf(expression);
  if (path !== undefined) {
    if (path[0] !== 'action') note(path, false);
    return;
  }
  for (const [operator, operands] of membersOf(expression)) visitOperands(operator, operands, note);
}

function visitOperands(operator: string, operands: unknown, note: Note): void {
  const { left, attr, in: within } = Object.fromEntries(membersOf(operands));
  if (operator === 'Value') return;
  if (operator === 'has' || operator === '.') {
    const path = pathOf(left);
    // Of an entity that is computed or named, whose attribute it is cannot be told.
    note(path === undefined ? [] : [...path, ...[attr].flat().map(String)], true);
    return;
  }
  // Of what type principal and resource are, is known without looking at them.
  if (operator === 'is' && within === undefined && pathOf(left)?.length === 1) return;
  for (const [member, operand] of membersOf(operands)) {
    if (operator !== 'like' || member === 'left') visit(operand, note);
  }
}

/** `context.signIn.age` as its names; undefined for what is no plain path. */
function pathOf(expression: unknown): string[] | undefined {
  const [member, ...others] = membersOf(expression);
  if (member === undefined || others.length > 0) return undefined;
  const [operator, operands] = member;
  if (operator === 'Var') return typeof operands === 'string' ? [operands] : undefined;
  if (operator !== '.') return undefined;
  const { left, attr } = Object.fromEntries(membersOf(operands));
  const path = pathOf(left);
  return path === undefined ? undefined : [...path, String(attr)];
}

/** Of an object or a list; nothing of anything else. */
function membersOf(node: unknown): [string, unknown][] {
  return typeof node === 'object' && node !== null ? Object.entries(node) : [];
}
