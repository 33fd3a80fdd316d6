import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Longer than any system takes to stop a process's threads. */
const MOST_TRIES = 200;

/**
 * Waits until a process that was sent SIGSTOP stands still. The signal is accepted at once, but threads that run on other
 * processors go on for a moment, long enough for a server to answer one more request.
 */
export function waitUntilHeld(pid: number): void {
    const clock = new Int32Array(new SharedArrayBuffer(4));
    for (let tries = 0; tries < MOST_TRIES && !isHeld(pid); tries += 1) {
        Atomics.wait(clock, 0, 0, 1);
    }
}

function isHeld(pid: number): boolean {
    return (threadStates(pid) ?? [processState(pid)]).every(state => 'TtZX'.includes(state));
}

/** The state of each thread where the system shows it (Linux). */
function threadStates(pid: number): string[] | undefined {
    try {
        const folder = `/proc/${pid}/task`;
        return readdirSync(folder).map(thread => {
            const stat = readFileSync(`${folder}/${thread}/stat`, 'utf8');
            return stat.charAt(stat.lastIndexOf(')') + 2);
        });
    } catch {
        return undefined;
    }
}

/** The state of the process; that of one that is not there is as good as held. */
function processState(pid: number): string {
    const { stdout } = spawnSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' });
    return stdout?.trim().charAt(0) ?? '';
}
