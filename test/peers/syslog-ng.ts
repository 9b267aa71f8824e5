import { join } from 'node:path';
import type { TlsIdentity } from './peer.ts';
import { unpackSyslogNg } from './syslog-ng-package.ts';
import { type SyslogPeer, type SyslogPeerFiles, startSyslogPeer } from './syslog-peer.ts';

/** syslog-ng, which lets in whoever shows a certificate of the CA. */
export function startSyslogNg(tls: TlsIdentity): Promise<SyslogPeer> {
  return startSyslogPeer(
    {
      name: 'syslog-ng',
      prepare(state, files) {
        const { program, modules, libraries } = unpackSyslogNg(state.path);
        const place = (name: string) => join(state.path, name);
        return {
          command: [
            ...([program, '--foreground', '--no-caps', '--cfgfile'] as const),
            state.write('syslog-ng.conf', configuration(files)),
            `--module-path=${modules}`,
            ...[
              `--persist-file=${place('persist')}`,
              `--control=${place('control')}`,
              `--pidfile=${place('pid')}`,
            ],
          ],
          env: { LD_LIBRARY_PATH: libraries },
        };
      },
    },
    tls,
  );
}

/** It writes each message as soon as it has read it, as far as it can: what it holds in memory is lost with it. */
function configuration(files: SyslogPeerFiles): string {
  // The first must stand in the first column.
  return `@version: 3.38
    options { keep-hostname(yes); stats-freq(0); };
    source take {
      syslog(ip(127.0.0.1) port(${files.port}) transport("tls") log-msg-size(65536) tls(
        key-file("${files.key}") cert-file("${files.certificate}") ca-file("${files.ca}")
        peer-verify(required-trusted)));
    };
    destination parsed {
      file("${files.output}" flush-lines(1) template("$(format-json --scope rfc5424 --key .SDATA.*)\\n"));
    };
    log { source(take); destination(parsed); flags(flow-control); };
  `;
}
