import type { OidcPerson } from '../../test/fakes/oidc-idp/oidc-idp.ts';
import type { SamlPerson } from '../../test/fakes/saml-idp/saml-idp.ts';
import { ACME, type CompanyPlan, GLOBEX } from './company.ts';

/** Somebody of the story, as their company's identity provider knows them. */
export interface Person {
  readonly key: 'ada' | 'ben' | 'gwen' | 'hal';
  readonly name: string;
  readonly address: string;
  readonly password: string;
  readonly company: CompanyPlan;
}

export const ADA: Person = {
  key: 'ada',
  name: 'Ada Palmer',
  address: 'ada@acme.example',
  password: 'violet-anchor-7',
  company: ACME,
};

/** A colleague of Ada's. The story does without him; tests of several people of one company do not. */
export const BEN: Person = {
  key: 'ben',
  name: 'Ben Okafor',
  address: 'ben@acme.example',
  password: 'amber-lantern-5',
  company: ACME,
};

export const GWEN: Person = {
  key: 'gwen',
  name: 'Gwen Ito',
  address: 'gwen@globex.example',
  password: 'copper-window-3',
  company: GLOBEX,
};

export const HAL: Person = {
  key: 'hal',
  name: 'Hal Brandt',
  address: 'hal@globex.example',
  password: 'linen-harbour-9',
  company: GLOBEX,
};

export function inOidcDirectory(person: Person): OidcPerson {
  return {
    username: person.key,
    password: person.password,
    sub: `acme-${person.key}-0001`,
    email: person.address,
    email_verified: true,
    name: person.name,
    groups: ['staff'],
  };
}

export function inSamlDirectory(person: Person): SamlPerson {
  return {
    username: person.key,
    password: person.password,
    nameId: `globex-${person.key}-0001`,
    mail: person.address,
    name: person.name,
    groups: ['staff'],
  };
}
