import { type DeviceAddition, type Enrolment, fingerprintInGroups } from '../../client/index.ts';
import { finding, must } from '../finding.ts';
import type { App } from '../stage/app.ts';
import { installApp } from '../stage/install-app.ts';
import { ADA } from '../stage/people.ts';
import { signIn } from '../stage/sign-in.ts';
import type { Stage } from '../stage/stage.ts';
import type { Step } from '../step.ts';

export const addDevice: Step = {
  name: 'add-device',
  title: 'Ada adds two more devices, and her laptop approves them',
  story:
    'A bridge alone cannot add a device: Ada’s own key must endorse it, and only a device that she already has can ' +
    'use that key. The tablet shows a fingerprint that the laptop computes itself; the phone shows six digits, to ' +
    'which both sides committed before either could know them.',
  async run(stage) {
    const { client } = stage.ada.get();
    const tablet = await newDevice(stage, 'tablet', 'fingerprint');
    const wrong = await client
      .approveDevice(tablet.id, { fingerprint: 'A'.repeat(43) })
      .then(() => 'taken')
      .catch((error: { code?: string }) => String(error.code));
    must(wrong === 'device_comparison', `a wrong fingerprint was ${wrong}`);
    await client.approveDevice(tablet.id, { fingerprint: tablet.fingerprint });
    const onTablet = await tablet.waitForApproval();

    const phone = await newDevice(stage, 'phone', 'code');
    const digits = await compareDigits(client, phone);
    const onPhone = await phone.waitForApproval();
    const { devices } = await client.me();
    return [
      finding('the tablet shows', fingerprintInGroups(tablet.fingerprint)),
      finding('another fingerprint', `refused: ${wrong}`),
      finding('the right one', `approved: ${describeDevice(onTablet)}`),
      finding('phone and laptop show', `${digits.slice(0, 3)} ${digits.slice(3)}`),
      finding('they agree', `approved: ${describeDevice(onPhone)}`),
      finding(
        'Ada’s devices now',
        devices
          .map(({ label }) => label)
          .sort()
          .join(', '),
      ),
    ];
  },
};

async function newDevice(
  stage: Stage,
  name: string,
  method: 'fingerprint' | 'code',
): Promise<DeviceAddition> {
  const app = installApp(stage, stage.acme.get().issuer, `ada-${name}`);
  await signIn(stage, app, ADA);
  return app.client.requestDevice({ label: `Ada’s ${name}`, method });
}

/** Both devices are Ada's hands: she confirms when both show the same digits. */
async function compareDigits(laptop: App['client'], phone: DeviceAddition): Promise<string> {
  const shown = phone.showCode();
  // The approval may fail first; then that is what is told.
  shown.catch(() => undefined);
  await laptop.approveDevice(phone.id, { confirmCode: async (digits) => digits === (await shown) });
  return shown;
}

function describeDevice({ device }: Enrolment): string {
  return `device ${device.device_id}, endorsed by Ada’s key version ${device.key_version}`;
}
