import { describe, expect, it } from 'vitest';
import type { Route } from '../../bridge/http/route.ts';
import { apiRoutes } from '../../bridge/http/routes/table.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { ACTIONS, type Action, ADMINISTRATOR_ACTIONS } from '../../bridge/policy/decision.ts';
import { DECIDED_ROUTES } from './decided-routes.ts';

/** The routes only close over what they are given: to list them nothing is needed. */
const routes = apiRoutes(
  new Proxy({ issuer: 'https://x', version: '0' }, { get: () => () => undefined }) as never,
);
const idOf = ({ method, path }: Route) => `${method} ${path}`;
const isKnown = (action: string | undefined): action is Action => ACTIONS.some((each) => each === action);

describe('the authorization table of the API', () => {
  const ofAdministrators = routes.filter(({ authentication }) => authentication === 'administrator');

  it('has an action of administrators on each of their routes', () => {
    expect(ofAdministrators.length).toBeGreaterThan(50);
    for (const route of ofAdministrators) {
      expect(ADMINISTRATOR_ACTIONS, idOf(route)).toContain(route.action);
    }
  });

  it('has a route of administrators for each of those actions', () => {
    const used = new Set(ofAdministrators.map(({ action }) => action));
    expect(ADMINISTRATOR_ACTIONS.filter((action) => !used.has(action))).toEqual([]);
  });

  it('tells of every other route what is asked there, or why nothing is', () => {
    const others = routes.filter(({ authentication }) => authentication !== 'administrator');
    expect(Object.keys(DECIDED_ROUTES).sort()).toEqual(others.map(idOf).sort());
  });

  it('asks nothing only where nobody is told or given anything that is somebody’s', () => {
    for (const [route, asked] of Object.entries(DECIDED_ROUTES)) {
      if (typeof asked === 'string') expect(asked.length, route).toBeGreaterThan(20);
      else
        expect(
          asked.filter((action) => !isKnown(action)),
          route,
        ).toEqual([]);
    }
  });

  it('leaves no action that nobody asks for', () => {
    const asked = new Set<string>([
      ...ADMINISTRATOR_ACTIONS,
      ...Object.values(DECIDED_ROUTES).flatMap((each) => (typeof each === 'string' ? [] : each)),
      // The sign-in pages are no part of the API.
      'sign-in',
    ]);
    expect(ACTIONS.filter((action) => !asked.has(action))).toEqual([]);
  });
});

describe('the schema of policies', () => {
  it('declares exactly the actions that are asked for', () => {
    const { schema } = readDefaultContent();
    const declared = [...schema.matchAll(/^ {2}action((?:[^;]|\n)*?)appliesTo/gm)].flatMap(([, names = '']) =>
      [...names.matchAll(/"([a-z-]+)"/g)].map(([, name]) => name),
    );
    expect(declared.sort()).toEqual([...ACTIONS].sort());
  });
});
