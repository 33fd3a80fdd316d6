import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

/**
 * Gives a stored number back if JavaScript can tell it from its neighbours. SQLite's numbers go further, and whoever read on
 * after one of those would get the same row again, for ever.
 *
 * @param what the number is: `revision`, `sequence`
 * @throws {WatermarkError} `CORRUPT_RECORD`
 */
export function checkNumber(what: string, value: number): number {
    if (value > Number.MAX_SAFE_INTEGER) {
        throw new WatermarkError(
            WatermarkErrorCode.CORRUPT_RECORD,
            `The database has a row with a ${what} above ${Number.MAX_SAFE_INTEGER}, which this library does not give.`,
            { remediation: 'Something else writes to the file. Remove the row, and keep it from doing so.' }
        );
    }
    return value;
}
