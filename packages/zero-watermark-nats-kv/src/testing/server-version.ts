/** The oldest nats-server that this package supports. */
export const OLDEST_VERSION = '2.10.0';

/** The version in the output of `nats-server --version`, without its leading `v`; `undefined` if there is none. */
export function parseVersion(output: string): string | undefined {
    return /nats-server: v(\d+\.\d+\.\d+\S*)/.exec(output)?.[1];
}

/** Whether a version is new enough. A pre-release counts as its release. */
export function isSupported(version: string): boolean {
    const [major = 0, minor = 0] = version.split('.').map(Number);
    return major > 2 || (major === 2 && minor >= 10);
}
