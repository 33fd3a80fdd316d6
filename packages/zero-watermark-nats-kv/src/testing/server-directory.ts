import { closeSync, openSync, readSync, fstatSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderServerConfig } from './server-config.js';
import type { ServerConfig } from './server-config.js';
import { tellWatchdog } from './watchdog.js';

/** The temporary folder of one server, which only this user can look into: configuration, log and, by default, store. */
export interface ServerDirectory {
    readonly path: string;
    readonly configPath: string;
    readonly logPath: string;
    readonly pidPath: string;
    /** Where the server says which ports it has. */
    readonly portsPath: string;
    readonly storePath: string;
}

/** Makes the folder and has the watchdog remove it, should this process not come to it. */
export async function makeServerDirectory(
    config: Omit<ServerConfig, 'include'>,
    callersConfig: string | undefined
): Promise<ServerDirectory> {
    const include = callersConfig === undefined ? undefined : 'options.conf';
    const text = renderServerConfig({ ...config, include });
    const path = await mkdtemp(join(tmpdir(), 'zero-watermark-nats-'));
    tellWatchdog({ directory: path, state: 'stopped' });
    const directory: ServerDirectory = {
        path,
        configPath: join(path, 'nats.conf'),
        logPath: join(path, 'server.log'),
        pidPath: join(path, 'server.pid'),
        portsPath: join(path, 'ports'),
        storePath: join(path, 'store')
    };
    await mkdir(directory.portsPath);
    await writeFile(directory.configPath, text, { mode: 0o600 });
    if (include !== undefined && callersConfig !== undefined) {
        await writeFile(join(path, include), callersConfig, { mode: 0o600 });
    }
    return directory;
}

/** Removes the folder; no process may use it any more. */
export async function removeServerDirectory(directory: ServerDirectory): Promise<void> {
    await rm(directory.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    tellWatchdog({ directory: directory.path, state: 'removed' });
}

/** As much of a log as anybody wants to read in an error. */
const TAIL_BYTES = 64 * 1024;

/** The last lines of a file, from `offset` on; empty if it is not there. */
export function lastLines(path: string, lines: number, offset = 0): string {
    let file: number;
    try {
        file = openSync(path, 'r');
    } catch {
        return '';
    }
    try {
        const { size } = fstatSync(file);
        const start = Math.max(offset, size - TAIL_BYTES);
        const bytes = Buffer.alloc(Math.max(0, size - start));
        const read = readSync(file, bytes, 0, bytes.length, start);
        return bytes.toString('utf8', 0, read).trimEnd().split('\n').slice(-lines).join('\n');
    } finally {
        closeSync(file);
    }
}
