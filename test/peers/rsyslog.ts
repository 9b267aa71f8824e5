import { join } from 'node:path';
import type { TlsIdentity } from './peer.ts';
import { type SyslogPeer, type SyslogPeerFiles, startSyslogPeer } from './syslog-peer.ts';

/** The two libraries that rsyslog can speak TLS with: GnuTLS and OpenSSL. */
export const TLS_DRIVERS = ['gtls', 'ossl'] as const;
export type TlsDriver = (typeof TLS_DRIVERS)[number];

/** What it parsed of each message, under its own names. */
const PROPERTIES = [
  ...['pri', 'timereported', 'hostname', 'app-name', 'procid', 'msgid', 'structured-data', 'msg'],
  '$!rfc5424-sd',
];

/** rsyslog, which lets in whoever shows a certificate for `client`. */
export function startRsyslog(driver: TlsDriver, tls: TlsIdentity, client: string): Promise<SyslogPeer> {
  return startSyslogPeer(
    {
      name: 'rsyslog',
      prepare(state, files) {
        const file = state.write('rsyslog.conf', configuration(state.path, driver, client, files));
        // In the foreground, with this configuration alone; it refuses to start over another’s file with its number.
        const number = join(state.path, `pid-${files.output.length}-${Date.now()}`);
        return { command: ['rsyslogd', '-n', '-f', file, '-i', number] };
      },
    },
    tls,
  );
}

/**
 * Its queue is direct: with the usual one in memory, a message that was read is lost when the process is killed, and no
 * sender can know.
 */
function configuration(folder: string, driver: TlsDriver, client: string, files: SyslogPeerFiles): string {
  const properties = PROPERTIES.map((name) => {
    const date = name === 'timereported' ? ' dateFormat="rfc3339"' : '';
    return `property(outname="${name.replace('$!', '')}" name="${name}" format="jsonf"${date})`;
  });
  return `
    global(workDirectory="${folder}" maxMessageSize="64k"
      defaultNetstreamDriverCAFile="${files.ca}"
      defaultNetstreamDriverCertFile="${files.certificate}"
      defaultNetstreamDriverKeyFile="${files.key}")
    main_queue(queue.type="direct")
    module(load="imtcp" streamDriver.name="${driver}" streamDriver.mode="1"
      streamDriver.authMode="x509/name" permittedPeer="${client}")
    module(load="mmpstrucdata")
    template(name="parsed" type="list" option.jsonf="on") {
      ${properties.join('\n      ')}
    }
    ruleset(name="take") {
      action(type="mmpstrucdata")
      action(type="omfile" file="${files.output}" template="parsed")
    }
    input(type="imtcp" address="127.0.0.1" port="${files.port}" ruleset="take")
  `;
}
