import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { WATCHDOG_SOURCE } from './watchdog-source.js';

/** What the watchdog has to know of a server; see {@link WATCHDOG_SOURCE}. */
export interface WatchedServer {
    /** The temporary folder that goes with the server, an absolute path that its command line names. */
    readonly directory: string;
    readonly state: 'starting' | 'running' | 'stopped' | 'removed';
    readonly pid?: number;
}

interface Watchdog {
    readonly servers: Map<string, WatchedServer>;
    input: Socket | undefined;
    pid: number | undefined;
}

/** One watchdog a process, also when a test runner loads this module anew for each test file. */
const WATCHDOG = Symbol.for('@cbnsndwch/zero-watermark-nats-kv/testing/watchdog');
const holder = globalThis as typeof globalThis & { [WATCHDOG]?: Watchdog };

/**
 * Tells the watchdog of this process about a server, and starts the watchdog if there is none yet.
 *
 * The watchdog is a process of its own that ends the servers and removes their folders as soon as this process is gone,
 * which also works for SIGKILL, because then the system closes the pipe between the two. It is in a session of its own,
 * so Ctrl-C in a terminal does not reach it; it does not keep this process alive and ends when this process ends. The
 * message has been handed to the system when this returns.
 */
export function tellWatchdog(server: WatchedServer): void {
    const watchdog = (holder[WATCHDOG] ??= { servers: new Map(), input: undefined, pid: undefined });
    if (server.state === 'removed') {
        watchdog.servers.delete(server.directory);
    } else {
        watchdog.servers.set(server.directory, server);
    }
    if (watchdog.input) {
        send(watchdog.input, server);
    } else if (watchdog.servers.size > 0) {
        startWatchdog(watchdog);
    }
}

/** Starts the process and tells it all that is known. */
function startWatchdog(watchdog: Watchdog): void {
    // A test runner's NODE_OPTIONS and the like (loaders, inspectors, coverage) are not meant for it.
    const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_'));
    const child = spawn(process.execPath, ['-e', WATCHDOG_SOURCE], {
        detached: true,
        env: Object.fromEntries(environment),
        stdio: ['pipe', 'ignore', 'ignore'],
        cwd: '/'
    });
    const input = child.stdin as Socket;
    watchdog.input = input;
    watchdog.pid = child.pid;
    child.unref();
    input.unref();
    for (const known of watchdog.servers.values()) {
        send(input, known);
    }
    const forget = (): void => {
        if (watchdog.input === input) {
            watchdog.input = undefined;
        }
    };
    input.on('error', forget);
    child.on('error', forget);
    child.on('exit', (_code, signal) => {
        forget();
        // Ended by force: another one takes over. One that fails by itself is not tried again before the next message.
        if (signal && !watchdog.input && watchdog.servers.size > 0) {
            startWatchdog(watchdog);
        }
    });
}

function send(input: Socket, server: WatchedServer): void {
    input.write(`${JSON.stringify(server)}\n`);
}
