import { expect, test } from 'vitest';

import { Signal } from './signal.js';

test('resolves at once when the condition holds already', async () => {
    await new Signal().until('nothing', () => true, 60_000);
});

test('looks again whenever something has changed', async () => {
    const signal = new Signal();
    let count = 0;
    const waiting = signal.until('two', () => count === 2, 60_000);
    for (; count < 2; count += 1) {
        signal.give();
    }
    signal.give();
    await waiting;
});

test('says what was awaited in vain, and how things are', async () => {
    await expect(new Signal().until('a miracle', () => false, 10)).rejects.toThrow(
        /^Waited 10 ms in vain for a miracle\.$/
    );
    let state = 'It rains.';
    const waiting = new Signal(undefined, () => state).until('sun', () => false, 10);
    state = 'It snows.';
    await expect(waiting).rejects.toThrow('Waited 10 ms in vain for sun. It snows.');
});

test('nobody waits any longer when the end has come, nor begins to', async () => {
    const end = new AbortController();
    const signal = new Signal(end.signal);
    const waiting = signal.until('a miracle', () => false, 60_000);
    end.abort(new Error('the end'));
    await expect(waiting).rejects.toThrow('the end');
    await expect(signal.until('another', () => false, 60_000)).rejects.toThrow('the end');
});
