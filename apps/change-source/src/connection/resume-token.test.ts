import { expect, test } from 'vitest';

import { fingerprintIn, newGeneration, parseResumeToken, resumeTokenOf } from './resume-token.js';

test('a resume token is a position within a generation', () => {
    const generation = newGeneration('-finger_');
    const token = resumeTokenOf({ generation, position: 'any/thing\n€' });
    expect(parseResumeToken(token)).toEqual({ generation, position: 'any/thing\n€' });
    expect(fingerprintIn(generation)).toBe('-finger_');
});

test('each generation is another one', () => {
    expect(new Set(Array.from({ length: 100 }, () => newGeneration('f'))).size).toBe(100);
});

test.each(['', 'position', '/position', 'a/position', 'a.b/', 'a.b'])('%j is none of ours', token => {
    expect(parseResumeToken(token)).toBeUndefined();
});
