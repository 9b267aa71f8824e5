import { makeCompany } from '../company.ts';
import { makeGroup } from '../groups/group-fixture.ts';
import { federationObjects } from './federation-objects.ts';
import { groupObjects } from './group-objects.ts';
import { issuedObjects } from './issued-objects.ts';
import { meetingExchanges } from './meeting-exchanges.ts';
import { meetingObjects } from './meeting-objects.ts';
import { personalObjects } from './personal-objects.ts';
import type { SignedObject } from './signed-object.ts';

/** Every type and form of signed object that there is. */
export async function everyObject(): Promise<SignedObject[]> {
  const f = await makeGroup();
  const globex = await makeCompany('globex', 'carol');
  return [
    ...(await issuedObjects(f.acme, globex)),
    ...(await personalObjects(f.acme)),
    ...groupObjects(f),
    ...(await federationObjects(f, globex)),
    ...(await meetingObjects(f.acme)),
    ...(await meetingExchanges(f.acme, globex)),
  ];
}
