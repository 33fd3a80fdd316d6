import { expect, test } from 'vitest';

import { EventQueue } from './event-queue.js';

test('hands over in order, from before and during the iteration, until it ends', async () => {
    const queue = new EventQueue<number>();
    queue.push(1);
    queue.push(2);
    const seen: number[] = [];
    for await (const event of queue.drain()) {
        seen.push(event);
        if (event === 2) {
            setImmediate(() => queue.push(3));
        }
        if (event === 3) {
            queue.end();
        }
    }
    expect(seen).toEqual([1, 2, 3]);
});

test('says that events were taken only once they were', async () => {
    const queue = new EventQueue<number>();
    const log: string[] = [];
    queue.push(1);
    queue.push(2);
    queue.whenTaken(() => log.push('taken'));
    queue.push(3);
    for await (const event of queue.drain()) {
        log.push(String(event));
        if (event === 3) {
            break;
        }
    }
    expect(log).toEqual(['1', '2', 'taken', '3']);
});

test('ends a consumer that waits', async () => {
    const queue = new EventQueue<number>();
    const done = queue.drain().next();
    setImmediate(() => queue.end());
    expect(await done).toEqual({ done: true, value: undefined });
});

test('drops what was not taken, and takes nothing more, once it has ended', async () => {
    const queue = new EventQueue<number>();
    queue.push(1);
    queue.end();
    queue.push(2);
    expect(await queue.drain().next()).toEqual({ done: true, value: undefined });
});
