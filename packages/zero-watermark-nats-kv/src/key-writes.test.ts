import { isWatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { Deadline } from '@cbnsndwch/zero-contracts/backend';
import { describe, expect, test } from 'vitest';

import { KeyWrites } from './key-writes.js';

/** Writes that finish when the test says so. */
function controlledWrites() {
    const started: { subject: string; content: string; finish: (error?: Error) => void }[] = [];
    const writes = new KeyWrites<string>(
        (subject, content) =>
            new Promise<void>((resolve, reject) => {
                started.push({ subject, content, finish: error => (error === undefined ? resolve() : reject(error)) });
            })
    );
    return { started, writes };
}

const soon = () => Deadline.in(10_000);
const turn = () => new Promise(resolve => setImmediate(resolve));

test('a write that nothing waits for begins at once', () => {
    const { started, writes } = controlledWrites();
    void writes.put('a', '1', soon());
    void writes.put('b', '2', soon());
    expect(started.map(write => write.content)).toEqual(['1', '2']);
});

test('one write a key is in flight; what arrives meanwhile is merged, the newest wins, all resolve', async () => {
    const { started, writes } = controlledWrites();
    const calls = ['1', '2', '3', '4'].map(content => writes.put('a', content, soon()));
    expect(started.map(write => write.content)).toEqual(['1']);
    started[0]?.finish();
    await calls[0];
    await turn();
    expect(started.map(write => write.content)).toEqual(['1', '4']);
    started[1]?.finish();
    await Promise.all(calls);
    expect(started).toHaveLength(2);
});

test('what arrives while the merged write is in flight makes the next one', async () => {
    const { started, writes } = controlledWrites();
    const first = [writes.put('a', '1', soon()), writes.put('a', '2', soon())];
    started[0]?.finish();
    await turn();
    const last = writes.put('a', '3', soon());
    expect(started.map(write => write.content)).toEqual(['1', '2']);
    started[1]?.finish();
    await Promise.all(first);
    await turn();
    started[2]?.finish();
    await last;
    expect(started.map(write => write.content)).toEqual(['1', '2', '3']);
});

describe('failure', () => {
    test('a write that fails fails its callers, and what waits goes on', async () => {
        const { started, writes } = controlledWrites();
        const first = writes.put('a', '1', soon());
        const merged = [writes.put('a', '2', soon()), writes.put('a', '3', soon())];
        started[0]?.finish(new Error('first'));
        await expect(first).rejects.toThrow('first');
        await turn();
        started[1]?.finish(new Error('second'));
        for (const call of merged) {
            await expect(call).rejects.toThrow('second');
        }
        const last = writes.put('a', '4', soon());
        started[2]?.finish();
        await last;
    });

    test('a caller whose deadline passes during a merged write is not held up by later callers: it was never sent', async () => {
        const { started, writes } = controlledWrites();
        void writes.put('a', '1', soon());
        const impatient = writes.put('a', '2', Deadline.in(1));
        const patient = writes.put('a', '3', soon());
        started[0]?.finish();
        const error: unknown = await impatient.catch((reason: unknown) => reason);
        expect(isWatermarkError(error, WatermarkErrorCode.UNAVAILABLE)).toBe(true);
        started[1]?.finish();
        await patient;
    });

    test('the caller whose content is on its way when its deadline passes cannot know', async () => {
        const { started, writes } = controlledWrites();
        void writes.put('a', '1', soon());
        const last = writes.put('a', '2', Deadline.in(1));
        started[0]?.finish();
        const error: unknown = await last.catch((reason: unknown) => reason);
        expect(isWatermarkError(error, WatermarkErrorCode.OUTCOME_UNKNOWN)).toBe(true);
        started[1]?.finish();
    });
});

test('a key that nobody writes any more takes no memory', async () => {
    const { started, writes } = controlledWrites();
    const call = writes.put('a', '1', soon());
    started[0]?.finish();
    await call;
    await turn();
    void writes.put('a', '2', soon());
    expect(started.map(write => write.content)).toEqual(['1', '2']);
});
