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

/** As much of Nest's modules as is looked at. */
interface DeclaredModule {
    readonly name: string;
    readonly isGlobal: boolean;
    readonly exports: ReadonlySet<unknown>;
}

/**
 * Refuses what Nest would take without a word: two stores under the same name, of which each class of the application gets
 * the one that is found first. To be called before a store is opened.
 *
 * @param modules all modules of the application, as Nest's `ModulesContainer` has them
 * @throws {InvalidOptionsError} another module also gives its services to the whole application under this name
 */
export function refuseSecondStore(modules: Iterable<DeclaredModule>, storeName: string | undefined): void {
    const token = storeName === undefined ? WatermarkService : getWatermarkServiceToken(storeName);
    const names = [...modules]
        .filter(({ isGlobal, exports }) => isGlobal && exports.has(token))
        .map(({ name }) => name);
    if (names.length > 1) {
        const what = storeName === undefined ? 'without a storeName' : `with the storeName ${showValue(storeName)}`;
        throw new InvalidOptionsError('This application has several stores of watermarks under one name', [
            `${names.join(' and ')} are declared ${what}: expected one store, declared once in the root module (it is ` +
                'there in all others), and a storeName of its own for each further one'
        ]);
    }
}
