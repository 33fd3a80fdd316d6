import { InvalidOptionsError } from '../errors.js';
import { ResumeTokenService, TOKEN_WATERMARK_SERVICE } from '../resume-tokens.js';
import { getResumeTokenServiceToken, getWatermarkServiceToken } from '../store-tokens.js';
import type { WatermarkStore } from '../store.js';
import { WatermarkService } from '../watermark.js';
import { showValue } from './option-checks.js';

/** A provider as Nest takes it, which nothing of Nest is needed for. */
export type StoreProvider =
    | {
          provide: symbol | typeof WatermarkService | typeof ResumeTokenService;
          inject: symbol[];
          useFactory: (store: WatermarkStore) => WatermarkService | ResumeTokenService;
      }
    | { provide: symbol; useExisting: typeof ResumeTokenService };

/**
 * What a Nest module gives to the application. A named store keeps its hands off the tokens of the one without a name.
 *
 * @param module its name, for the error
 * @param store under which the module provides the store itself
 * @throws {InvalidOptionsError} the name is no name
 */
export function storeProviders(module: string, store: symbol, storeName: string | undefined): StoreProvider[] {
    if (storeName !== undefined && (typeof storeName !== 'string' || storeName === '')) {
        throw new InvalidOptionsError(`${module} is declared wrongly`, [
            `storeName: expected a non-empty string, got ${showValue(storeName)}`
        ]);
    }
    const isNamed = storeName !== undefined;
    return [
        {
            provide: isNamed ? getWatermarkServiceToken(storeName) : WatermarkService,
            inject: [store],
            useFactory: ({ watermarks }) => watermarks
        },
        {
            provide: isNamed ? getResumeTokenServiceToken(storeName) : ResumeTokenService,
            inject: [store],
            useFactory: ({ resumeTokens }) => resumeTokens
        },
        ...(isNamed ? [] : [{ provide: TOKEN_WATERMARK_SERVICE, useExisting: ResumeTokenService }])
    ];
}
