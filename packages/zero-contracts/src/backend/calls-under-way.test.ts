import { EventEmitter, once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';

import { WatermarkErrorCode } from '../errors.js';
import { CallsUnderWay } from './calls-under-way.js';

afterEach(() => void vi.useRealTimers());

test('what a call gives or throws is the caller’s', async () => {
    const calls = new CallsUnderWay();
    await expect(calls.run(async () => 7)).resolves.toBe(7);
    const refuse = () => {
        throw new RangeError('no');
    };
    await expect(calls.run(refuse)).rejects.toThrow(RangeError);
    await calls.close();
});

test('closing waits for all calls under way, however they end, and refuses later ones', async () => {
    const calls = new CallsUnderWay();
    const [first, second] = [new EventEmitter(), new EventEmitter()];
    const answers = Promise.allSettled([first, second].map(call => calls.run(() => once(call, 'end'))));
    const ends: string[] = [];
    const closing = [calls.close(), calls.close()].map(closed => closed.then(() => ends.push('closed')));
    expect(calls.closed).toBe(true);
    await expect(calls.run(async () => 7)).rejects.toMatchObject({ code: WatermarkErrorCode.CLOSED });

    ends.push('first');
    first.emit('end');
    await nextTurn();
    ends.push('second');
    second.emit('error', new Error('too late'));
    await Promise.all(closing);
    expect(ends).toEqual(['first', 'second', 'closed', 'closed']);
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
});

test('a call that never ends holds closing up for five seconds', async () => {
    vi.useFakeTimers();
    const calls = new CallsUnderWay();
    void calls.run(() => new Promise(() => {}));
    const closed = vi.fn<() => void>();
    void calls.close().then(closed);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(closed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(closed).toHaveBeenCalledOnce();
});
