/**
 * The configuration: one YAML file, with secrets from the environment or from files. What it accepts is one schema
 * (schema.ts), from which the annotated example is written as well.
 */
export { type CheckedConfig, issuerPort, loadCheckedConfig } from './check.ts';
export { renderExampleConfig } from './example.ts';
export { ConfigError, type ConfigFault, describeFault } from './faults.ts';
export { DEFAULT_CONFIG_PATH, loadConfig, loadStorage, printConfig } from './load.ts';
export { type Config, type ConfigSurroundings, parseConfig } from './parse.ts';
export { configSchema } from './schema.ts';
export { Secret, type SecretSource } from './secret.ts';
