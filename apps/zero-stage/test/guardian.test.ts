import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';

const GUARDIAN = fileURLToPath(new URL('../dist/guardian.js', import.meta.url));

interface Started {
    readonly folder: string;
    /** A child of the program, and one of that child's, in a process group of its own. */
    readonly pids: readonly [number, number];
}

/** A program that starts others under a guardian. */
async function program(then: string) {
    const sleeper = `require('node:child_process').spawn('sleep', ['1000'], { detached: true })`;
    const child = `const { pid } = ${sleeper}; console.log(pid); setInterval(() => {}, 1_000)`;
    const text = `
        import { spawn } from 'node:child_process';
        import { Guardian } from ${JSON.stringify(GUARDIAN)};
        const guardian = new Guardian();
        const child = spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: ['ignore', 'pipe', 'inherit'] });
        guardian.watch(child);
        child.stdout.once('data', async data => {
            console.log(JSON.stringify({ folder: guardian.folder, pids: [child.pid, Number(data)] }));
            ${then}
        });
    `;
    const running = spawn(process.execPath, ['--input-type=module', '-e', text], {
        stdio: ['ignore', 'pipe', 'inherit']
    });
    const lines = createInterface({ input: running.stdout })[Symbol.asyncIterator]();
    return { running, started: JSON.parse((await lines.next()).value as string) as Started };
}

/** Whether a process is there and not only waiting for its parent to take note of its end. */
function isThere(pid: number): boolean {
    const { stdout } = spawnSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' });
    return stdout.trim() !== '' && !stdout.startsWith('Z');
}

async function expectNothingLeft({ folder, pids }: Started): Promise<void> {
    await vi.waitFor(
        () => {
            expect(pids.filter(isThere)).toEqual([]);
            expect(existsSync(folder)).toBe(false);
        },
        { timeout: 20_000, interval: 50 }
    );
}

test('everything is there while the program runs, and gone when it is killed', async () => {
    const { running, started } = await program('');
    expect(started.pids.filter(isThere)).toEqual(started.pids);
    expect(existsSync(started.folder)).toBe(true);
    running.kill('SIGKILL');
    await expectNothingLeft(started);
});

test('everything is gone when the program says so', async () => {
    const { running, started } = await program('await guardian[Symbol.asyncDispose]();');
    await expectNothingLeft(started);
    running.kill('SIGKILL');
});
