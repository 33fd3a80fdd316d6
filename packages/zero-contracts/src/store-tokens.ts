/**
 * Under which the `WatermarkService` of a named store is provided, where an application has several stores. The same
 * whichever package the store is of.
 */
export function getWatermarkServiceToken(storeName: string): symbol {
    return Symbol.for(`WatermarkService of the store ${JSON.stringify(storeName)}`);
}

/** The same for its `ResumeTokenService`. */
export function getResumeTokenServiceToken(storeName: string): symbol {
    return Symbol.for(`ResumeTokenService of the store ${JSON.stringify(storeName)}`);
}
