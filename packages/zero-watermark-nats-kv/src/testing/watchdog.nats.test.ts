import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { natsServers } from '../../test/nats-binaries.js';

const { newest, oldest } = natsServers();
const here = fileURLToPath(new URL('.', import.meta.url));
const entry = fileURLToPath(new URL('../testing.ts', import.meta.url));

interface Started {
    readonly port: number;
    readonly pid: number;
    readonly folder: string;
}

/** As many as the program in question says. */
type Said = readonly [Started, Started, Started, Started];

interface Program {
    readonly child: ChildProcess;
    /** The next line that the program says; rejects when it has ended. */
    readonly said: () => Promise<Said>;
}

/** Another process that imports this package's test servers and runs `code`, which may `say` what it started. */
function program(code: string): Program {
    const text = `
        import { ChildProcess, spawn } from 'node:child_process';
        import { writeSync } from 'node:fs';
        import { dirname } from 'node:path';
        import { runnerImport } from 'vite';
        const options = { configFile: false, logLevel: 'error' };
        const { module } = await runnerImport(${JSON.stringify(entry)}, options);
        const { startNatsServer, startNatsCluster, startTcpProxy } = module;
        const [newest, oldest] = ${JSON.stringify([newest.path, oldest.path])};
        const tell = (...started) => writeSync(1, JSON.stringify(started) + '\\n');
        const say = servers => tell(...servers.map(({ port, pid, logPath }) => ({ port, pid, folder: dirname(logPath) })));
        ${code}
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', text], {
        cwd: here,
        detached: true,
        stdio: ['ignore', 'pipe', 'inherit']
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { child, said: async () => JSON.parse((await lines.next()).value as string) as Said };
}

async function listens(port: number): Promise<boolean> {
    const socket = connect({ port, host: '127.0.0.1' });
    try {
        await once(socket, 'connect');
        return true;
    } catch {
        return false;
    } finally {
        socket.destroy();
    }
}

/** Whether a process is there and not only waiting for its parent to take note of its end. */
function isRunning(pid: number): boolean {
    const { stdout } = spawnSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' });
    return stdout.trim() !== '' && !stdout.startsWith('Z');
}

async function expectNothingLeft(servers: readonly Started[]): Promise<void> {
    await vi.waitFor(
        async () => {
            expect(await Promise.all(servers.map(({ port }) => listens(port)))).not.toContain(true);
            expect(servers.filter(({ folder }) => existsSync(folder))).toEqual([]);
        },
        { timeout: 10_000, interval: 20 }
    );
}

const STAY = 'setInterval(() => {}, 1000);';

test('kill -9 of the test process ends its servers and removes their folders, running, paused, killed or stopped', async () => {
    const { child, said } = program(`
        const servers = await Promise.all([newest, oldest, newest, newest].map(binary => startNatsServer({ binary })));
        say(servers);
        servers[1].pause();
        await servers[2].kill();
        await servers[3].stop();
        say([]);
        ${STAY}
    `);
    const servers = await said();
    const [running, , killed] = servers;
    await said();
    expect(await listens(running.port)).toBe(true);
    expect(existsSync(killed.folder)).toBe(true);
    child.kill('SIGKILL');
    await expectNothingLeft(servers);
});

test('kill -9 ends a cluster, after one node was restarted', async () => {
    const { child, said } = program(`
        const cluster = await startNatsCluster(3, { binary: newest });
        await cluster.nodes[1].restart();
        say(cluster.nodes);
        ${STAY}
    `);
    const servers = await said();
    child.kill('SIGKILL');
    await expectNothingLeft(servers);
});

test('kill -9 at the moment when a server has been started and not yet announced', async () => {
    const { said } = program(`
        const original = ChildProcess.prototype.spawn;
        ChildProcess.prototype.spawn = function (options) {
            const result = original.call(this, options);
            const config = options.args.indexOf('--config');
            if (config > 0) {
                tell({ pid: this.pid, folder: dirname(options.args[config + 1]) });
                process.kill(process.pid, 'SIGKILL');
            }
            return result;
        };
        await startNatsServer({ binary: newest });
    `);
    const [server] = await said();
    await vi.waitFor(() => expect(existsSync(server.folder)).toBe(false), { timeout: 10_000 });
    expect(isRunning(server.pid)).toBe(false);
});

test('servers and proxies that were forgotten don’t keep the process alive, and end with it', async () => {
    const { child, said } = program(`
        const server = await startNatsServer({ binary: newest });
        await startTcpProxy({ target: server });
        say([server]);
    `);
    const servers = await said();
    expect(await once(child, 'exit')).toEqual([0, null]);
    await expectNothingLeft(servers);
});

test('Ctrl-C in a terminal reaches the process and not its servers, which can still be used', async () => {
    const { child, said } = program(`
        const server = await startNatsServer({ binary: newest });
        process.once('SIGINT', async () => {
            const alive = (await fetch(server.monitorUrl + '/healthz')).status === 200 && server.running;
            await server.stop();
            process.exit(alive ? 42 : 1);
        });
        tell({ pid: process.pid });
        ${STAY}
    `);
    const [{ pid }] = await said();
    process.kill(-pid, 'SIGINT');
    expect(await once(child, 'exit')).toEqual([42, null]);
});

test('a store folder that was named stays', async () => {
    const storeDirectory = await mkdtemp(join(tmpdir(), 'kept-store-'));
    onTestFinished(() => rm(storeDirectory, { recursive: true }));
    const { child, said } = program(`
        say([await startNatsServer({ binary: newest, storeDirectory: ${JSON.stringify(storeDirectory)} })]);
        ${STAY}
    `);
    const servers = await said();
    child.kill('SIGKILL');
    await expectNothingLeft(servers);
    expect(dirname(servers[0].folder)).toBe(tmpdir());
    expect(existsSync(join(storeDirectory, 'jetstream'))).toBe(true);
});

test('a process id that has passed on to another program is left alone', async () => {
    const { said } = program(`
        const server = await startNatsServer({ binary: newest });
        const other = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
        const watchdog = globalThis[Symbol.for('@cbnsndwch/zero-watermark-nats-kv/testing/watchdog')];
        const [known] = watchdog.servers.values();
        process.kill(server.pid, 'SIGKILL');
        watchdog.input.write(JSON.stringify({ ...known, pid: other.pid }) + '\\n');
        tell({ port: server.port, pid: other.pid, folder: known.directory });
        process.kill(process.pid, 'SIGKILL');
    `);
    const [other] = await said();
    onTestFinished(() => void process.kill(other.pid, 'SIGKILL'));
    await expectNothingLeft([other]);
    expect(isRunning(other.pid)).toBe(true);
});

test('a watchdog that was ended by force is replaced by one that knows everything', async () => {
    const { child, said } = program(`
        ${STAY}
        const server = await startNatsServer({ binary: newest });
        const watchdog = globalThis[Symbol.for('@cbnsndwch/zero-watermark-nats-kv/testing/watchdog')];
        const first = watchdog.pid;
        process.kill(first, 'SIGKILL');
        while (watchdog.pid === first) await new Promise(setImmediate);
        say([server]);
    `);
    const servers = await said();
    child.kill('SIGKILL');
    await expectNothingLeft(servers.slice(0, 1));
});
