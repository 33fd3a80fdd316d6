import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { isAbandoned, withLock } from './lock.mjs';
import { temporaryFolder } from './testing.js';

describe('the lock', () => {
    test('is abandoned when its holder and the program it ran are gone', () => {
        const alive = (pid: number) => pid < 10;
        expect(isAbandoned({ pid: 1, host: 'h' }, 1e9, 'h', alive)).toBe(false);
        expect(isAbandoned({ pid: 11, host: 'h' }, 0, 'h', alive)).toBe(true);
        expect(isAbandoned({ pid: 11, host: 'h', child: 2 }, 0, 'h', alive)).toBe(false);
        expect(isAbandoned({ pid: 11, host: 'h', child: 2 }, 1e6, 'h', alive)).toBe(true);
        expect(isAbandoned({ pid: 11, host: 'h', child: 12 }, 0, 'h', alive)).toBe(true);
        expect(isAbandoned({ pid: 1, host: 'other' }, 1000, 'h', alive)).toBe(false);
        expect(isAbandoned({ pid: 1, host: 'other' }, 60_000, 'h', alive)).toBe(true);
        expect(isAbandoned(undefined, 1000, 'h', alive)).toBe(false);
    });

    test('lets one work at a time, and a failure releases it', async () => {
        const file = join(temporaryFolder(), 'x', 'setup.lock');
        const events: string[] = [];
        const onWait = () => void events.push('waits');
        const waits = new EventEmitter();
        const hasWaited = once(waits, 'waits');
        const first = withLock(file, { onWait }, async () => {
            events.push('first');
            await hasWaited;
            throw new Error('failed');
        });
        const tell = () => void (onWait(), waits.emit('waits'));
        const second = withLock(file, { onWait: tell }, async () => events.push('second'));
        await expect(first).rejects.toThrow('failed');
        await second;
        expect(events).toEqual(['first', 'waits', 'second']);
        expect(readdirSync(dirname(file))).toEqual([]);
    });

    test('of a setup that was killed is taken over', async () => {
        const file = join(temporaryFolder(), 'setup.lock');
        const killed = spawn(process.execPath, ['-e', '']);
        await once(killed, 'close');
        writeFileSync(file, JSON.stringify({ pid: killed.pid, host: hostname() }));
        const onWait = vi.fn<() => void>();
        await expect(withLock(file, { onWait }, async () => 'done')).resolves.toBe('done');
        expect(onWait).not.toHaveBeenCalled();
    });
});
