import { expect, test } from 'vitest';

import { Board, type OwnerChange } from './board.js';

function watermark(network: string, count: number, owner: string, revision: number) {
    const data = { count, lastId: `${network}${count}`, owner, term: 1 };
    return { key: `quakes.${network}`, version: `0${count}`, timestamp: 1_000, revision, data };
}

function recorded() {
    const board = new Board(
        new Map([
            ['ci', 4],
            ['us', 2]
        ])
    );
    const told: string[] = [];
    board.on('owner', ({ network, from, to }: OwnerChange) => told.push(`${network}: ${from ?? 'nobody'} -> ${to}`));
    board.on('all-owned', () => told.push('all owned'));
    board.on('complete', () => told.push('complete'));
    board.on('resumed', silenceMs => told.push(`silent for ${silenceMs}`));
    return { board, told };
}

test('tells first owners, later owners, and when everything is done', () => {
    const { board, told } = recorded();
    board.apply(watermark('ci', 0, 'a', 1), 0);
    board.apply(watermark('us', 0, 'b', 2), 10);
    board.apply(watermark('us', 0, 'a', 3), 20);
    board.apply(watermark('us', 2, 'a', 4), 30);
    board.apply(watermark('ci', 4, 'a', 5), 40);
    board.apply(watermark('ci', 4, 'a', 6), 50);
    expect(told).toEqual(['ci: nobody -> a', 'us: nobody -> b', 'all owned', 'us: b -> a', 'complete']);
    expect(board.ownedBy('a')).toEqual(['ci', 'us']);
    expect(board.count).toBe(6);
    expect(board.revision).toBe(6);
});

test('tells when writes begin again after a silence', () => {
    const { board, told } = recorded();
    board.apply(watermark('ci', 0, 'a', 1), 0);
    board.apply(watermark('ci', 0, 'a', 2), 700);
    board.apply(watermark('ci', 0, 'a', 3), 2_700);
    expect(told).toEqual(['ci: nobody -> a', 'silent for 2000']);
});

test('the rate is that of the last two seconds', () => {
    const { board } = recorded();
    const rateAt = (now: number) => board.states(now)[0]?.ratePerSecond;
    board.apply(watermark('ci', 0, 'a', 1), 0);
    board.apply(watermark('ci', 2, 'a', 2), 1_000);
    expect(rateAt(1_000)).toBe(1);
    board.apply(watermark('ci', 4, 'a', 3), 2_000);
    expect(rateAt(2_000)).toBe(2);
    expect(rateAt(5_000)).toBe(0);
});
