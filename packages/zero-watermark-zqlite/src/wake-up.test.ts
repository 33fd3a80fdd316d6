import { expect, test } from 'vitest';

import { WakeUp } from './wake-up.js';

test('a wait ends with the next signal', async () => {
    const wakeUp = new WakeUp();
    const log: string[] = [];
    const waiting = wakeUp.wait().then(() => log.push('woken'));
    await Promise.resolve();
    log.push('signalled');
    wakeUp.signal();
    await waiting;
    expect(log).toEqual(['signalled', 'woken']);
});

test('a signal before the wait is not lost, and counts once', async () => {
    const wakeUp = new WakeUp();
    wakeUp.signal();
    wakeUp.signal();
    await wakeUp.wait();
    let woken = false;
    const waiting = wakeUp.wait().then(() => (woken = true));
    await new Promise(resolve => setImmediate(resolve));
    expect(woken).toBe(false);
    wakeUp.signal();
    await waiting;
});
