/** What was looked into is not as it must be: no failure of ours. Exit code 3, for scripts that must tell the two apart. */
export class Alarm extends Error {
  override readonly name = 'Alarm';
}
