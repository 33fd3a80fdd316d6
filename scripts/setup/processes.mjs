// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

/** @type {Set<ChildProcess>} */
const running = new Set();
/** @type {Set<() => void>} */
const undoings = new Set();
let interrupted = false;

/**
 * Registers what has to be undone should a signal end this process. It has to be synchronous.
 *
 * @param {() => void} undo
 * @returns {() => void} takes the registration back
 */
export function onInterrupt(undo) {
    undoings.add(undo);
    return () => undoings.delete(undo);
}

/** On SIGINT, SIGTERM and SIGHUP: ends the children, waits for them, undoes what is half done, exits with 128 + n. */
export function exitCleanlyOnSignals() {
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
        process.on(signal, () => void interrupt(signal));
    }
}

/** @param {'SIGINT' | 'SIGTERM' | 'SIGHUP'} signal */
async function interrupt(signal) {
    if (interrupted) {
        return;
    }
    interrupted = true;
    const ends = [...running].map(child => once(child, 'close'));
    running.forEach(child => child.kill('SIGTERM'));
    const impatience = setTimeout(() => running.forEach(child => child.kill('SIGKILL')), 3000);
    await Promise.all(ends);
    clearTimeout(impatience);
    undoings.forEach(undo => undo());
    process.exit(128 + constants.signals[signal]);
}

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {number} [timeoutMs] the process is killed after that
 * @property {boolean} [inherit] the process writes to our own terminal instead of being captured
 * @property {(line: string) => void} [onStatus] gets the lines that the process writes to file descriptor 3
 * @property {(pid: number) => void} [onStart]
 */

/** @typedef {{ code: number | null, timedOut: boolean, stdout: string, stderr: string }} RunResult */

/**
 * Runs a program to its end. Rejects only when it can't be started; a non-zero exit code is a result.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<RunResult>}
 */
export async function run(command, args, options = {}) {
    if (interrupted) {
        await never();
    }
    const child = spawn(command, args, {
        cwd: options.cwd,
        env: options.env ?? process.env,
        // What npm prints belongs to stderr too: stdout is left to the script that comes next.
        stdio: [
            'ignore',
            options.inherit ? 2 : 'pipe',
            options.inherit ? 2 : 'pipe',
            options.onStatus ? 'pipe' : 'ignore'
        ],
        windowsHide: true
    });
    running.add(child);
    let timedOut = false;
    const timer = setTimeout(
        () => {
            timedOut = true;
            child.kill('SIGKILL');
        },
        options.timeoutMs ?? 2 ** 31 - 1
    );
    try {
        if (child.pid !== undefined) {
            options.onStart?.(child.pid);
        }
        const status = child.stdio[3];
        if (options.onStatus && status && 'read' in status) {
            createInterface({ input: status }).on('line', options.onStatus);
        }
        const [stdout, stderr, [code]] = await Promise.all([
            child.stdout ? text(child.stdout) : '',
            child.stderr ? text(child.stderr) : '',
            once(child, 'close')
        ]);
        if (interrupted) {
            await never();
        }
        return { code, timedOut, stdout, stderr };
    } finally {
        clearTimeout(timer);
        running.delete(child);
    }
}

/**
 * After a signal its handler is about to exit: going on would start new work or report a failure that is none.
 *
 * @returns {Promise<never>}
 */
function never() {
    return new Promise(() => {});
}
