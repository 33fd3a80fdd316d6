import { expect, test } from 'vitest';

import { Silence } from './silence.js';

test('counts the rounds in which a watermark was not written', () => {
    const silence = new Silence();
    expect([1, 1, 1, 2, 2].map(revision => silence.observe('ci', revision))).toEqual([0, 1, 2, 0, 1]);
});

test('counts a network that was never begun too, and each network for itself', () => {
    const silence = new Silence();
    expect(silence.observe('ci', undefined)).toBe(0);
    expect(silence.observe('us', 7)).toBe(0);
    expect(silence.observe('ci', undefined)).toBe(1);
    expect(silence.observe('ci', 1)).toBe(0);
    expect(silence.observe('us', 7)).toBe(1);
});

test('begins anew when it is told to forget', () => {
    const silence = new Silence();
    silence.observe('ci', 1);
    silence.forget('ci');
    expect(silence.observe('ci', 1)).toBe(0);
});
