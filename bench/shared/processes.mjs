// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

/** Linux counts processor time in hundredths of a second. */
const TICK_MICROS = 10_000;

/**
 * A function that gives the processor time that processes have used so far, in microseconds, to a hundredth of a second.
 *
 * @param {() => readonly number[]} pids
 * @returns {(() => number) | undefined} `undefined` where the system does not tell
 */
export function processorMicrosOf(pids) {
    return process.platform === 'linux' ? () => pids().reduce((sum, pid) => sum + microsOf(pid), 0) : undefined;
}

/** @param {number} pid */
function microsOf(pid) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, which is in brackets, may contain anything; the times are the 14th and 15th field.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
}

/**
 * Starts a server and waits until it says that it is ready.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ ready: RegExp, cwd: string, env?: NodeJS.ProcessEnv, user?: { uid: number, gid: number } | undefined }} options `ready`: what a line of its output then matches
 * @returns {Promise<{ pid: number, close: () => Promise<void> }>}
 */
export async function startServer(program, args, { ready, cwd, env = process.env, user }) {
    const child = spawn(program, args, { ...user, cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    // A benchmark that is interrupted must not leave it behind.
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    const close = async () => {
        process.off('exit', kill);
        if (child.exitCode === null && child.signalCode === null) {
            const exit = once(child, 'exit');
            child.kill('SIGTERM');
            await exit;
        }
    };
    /** @type {string[]} */
    const lines = [];
    await new Promise((resolve, reject) => {
        for (const stream of [child.stdout, child.stderr]) {
            createInterface({ input: stream }).on('line', line => {
                lines.push(line);
                if (ready.test(line)) {
                    resolve(undefined);
                }
            });
        }
        child.once('error', reject);
        child.once('exit', code => reject(new Error(`${program} ended with code ${code}:\n${lines.join('\n')}`)));
    });
    return { pid: child.pid ?? NaN, close };
}
