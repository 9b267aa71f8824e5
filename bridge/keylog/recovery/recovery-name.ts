/** Under which the key log has recoveries of itself. */
export const RECOVERY_NAME = 'key-log';
