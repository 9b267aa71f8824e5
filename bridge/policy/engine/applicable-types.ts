import { schemaToJson } from './cedar.ts';
import { type CedarTypes, NAMESPACE } from './cedar-request.ts';

/** Which principals and resources an action is asked for. */
export interface ApplicableTypes {
  covers(action: string, types: CedarTypes): boolean;
}

/** As a schema says. Throws when it does not parse. */
export function applicableTypes(schema: string): ApplicableTypes {
  const parsed = schemaToJson(schema);
  if (parsed.type === 'failure') throw new Error(parsed.errors.map(({ message }) => message).join('; '));
  const qualified = (name: string) => (name.includes('::') ? name : `${NAMESPACE}::${name}`);
  const byAction = new Map(
    Object.entries(parsed.json[NAMESPACE]?.actions ?? {}).map(([action, { appliesTo }]) => [
      action,
      {
        principals: new Set(appliesTo?.principalTypes.map(qualified)),
        resources: new Set(appliesTo?.resourceTypes.map(qualified)),
      },
    ]),
  );
  return {
    covers(action, { principal, resource }) {
      const types = byAction.get(action);
      if (types === undefined) return false;
      return types.principals.has(principal.type) && types.resources.has(resource.type);
    },
  };
}
