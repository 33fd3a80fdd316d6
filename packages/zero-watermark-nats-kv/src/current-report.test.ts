import type { WatermarkChange } from '@cbnsndwch/zero-contracts';
import { expect, test } from 'vitest';

import { CurrentReport } from './current-report.js';

const set = (key: string): WatermarkChange => ({
    type: 'set',
    watermark: { key, version: 'v1', revision: 1, timestamp: 0 }
});
const deletion = (key: string): WatermarkChange => ({ type: 'delete', key, revision: 2, timestamp: 0 });

test('a deletion that is past is no part of what is there', () => {
    const report = new CurrentReport(true);
    expect([report.takes(deletion('gone')), report.takes(set('there'))]).toEqual([false, true]);
});

test('a watermark that was told is deleted again, once', () => {
    const report = new CurrentReport(true);
    expect([report.takes(set('a')), report.takes(deletion('a')), report.takes(deletion('a'))]).toEqual([
        true,
        true,
        false
    ]);
});

test('once all that is there was told, every deletion is a change', () => {
    const report = new CurrentReport(true);
    report.complete();
    expect(report.takes(deletion('a'))).toBe(true);
});

test('without what is there, everything is a change', () => {
    expect(new CurrentReport(false).takes(deletion('a'))).toBe(true);
});
