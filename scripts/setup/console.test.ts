import { describe, expect, test } from 'vitest';
import { createProgress, redact } from './console.mjs';

describe('the console', () => {
    test('never shows credentials of an address', () => {
        expect(redact("E: 'https://me:p%40ss@mirror.example/x' failed")).toBe(
            "E: 'https://***@mirror.example/x' failed"
        );
        expect(redact('see https://mirror.example/@scope/x')).toBe('see https://mirror.example/@scope/x');
    });

    test('redraws one line on a terminal and prints a line a quarter elsewhere', () => {
        const written = (isTerminal: boolean) => {
            let all = '';
            const progress = createProgress('x', { write: line => void (all += line), isTerminal, columns: 40 });
            [0, 10, 10, 30, 30, 60, 100].forEach(percent => progress.update(percent, '1 MB'));
            progress.end();
            return all;
        };
        expect(written(false)).toBe(
            'setup: x ...\nsetup: x ... 30 %  1 MB\nsetup: x ... 60 %  1 MB\nsetup: x ... 100 %  1 MB\n'
        );
        expect(written(true)).not.toContain('\n');
        expect(written(true).match(/10 %/g)).toHaveLength(1);
    });
});
