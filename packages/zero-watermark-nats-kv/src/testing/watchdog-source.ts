/**
 * The watchdog's program, as text: it runs in a Node process of its own (`node -e`), where neither this package's build
 * nor a test runner's transformation is at hand.
 *
 * It reads one JSON message a line: `{ directory, state, pid? }`, where `state` is `starting`, `running`, `stopped` or
 * `removed`. When its input ends, which the system sees to however the other side ended, it ends the servers that still
 * run and removes the folders that are still there.
 *
 * A process id may have passed on to another program meanwhile. So only a process whose command line names the server's
 * own temporary folder is ended. A server that was being started when the input ended may not have been announced; the
 * pid file that it writes into its folder gives it away.
 */
export const WATCHDOG_SOURCE = `
'use strict';
const { readFileSync, rmSync } = require('node:fs');
const { spawnSync } = require('node:child_process');
const { setTimeout: wait } = require('node:timers/promises');
const watched = new Map();

process.title = 'watchdog-of-test-servers';
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

require('node:readline').createInterface({ input: process.stdin })
    .on('line', line => {
        try {
            learn(JSON.parse(line));
        } catch {} // cut off in the middle
    })
    .on('close', () => Promise.allSettled([...watched.values()].map(clean)).then(() => process.exit()));

function learn(message) {
    if (message.state === 'removed') watched.delete(message.directory);
    else watched.set(message.directory, message);
}

async function clean({ directory, state, pid }) {
    let ours = state === 'running' && isServerOf(directory, pid) ? pid : undefined;
    for (let tries = 0; state === 'starting' && !ours && tries < 50; tries += 1) {
        const written = pidFromFile(directory);
        if (written && isServerOf(directory, written)) ours = written;
        else await wait(20);
    }
    if (ours) {
        end(ours);
        for (let tries = 0; isServerOf(directory, ours) && tries < 250; tries += 1) await wait(20);
    }
    rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

function pidFromFile(directory) {
    try {
        return Number(readFileSync(directory + '/server.pid', 'utf8')) || undefined;
    } catch {
        return undefined;
    }
}

function isServerOf(directory, pid) {
    return commandLine(pid).includes(directory + '/');
}

function commandLine(pid) {
    try {
        return readFileSync('/proc/' + pid + '/cmdline', 'utf8');
    } catch {
        return spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout || '';
    }
}

function end(pid) {
    try {
        process.kill(pid, 'SIGKILL');
    } catch {}
}
`;
