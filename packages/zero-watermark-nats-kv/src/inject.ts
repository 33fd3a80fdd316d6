import { getResumeTokenServiceToken, getWatermarkServiceToken } from '@cbnsndwch/zero-contracts';
import { Inject } from '@nestjs/common';

/** Injects the `WatermarkService` of a named store; that of the store without a name is injected by its class. */
export function InjectWatermarks(storeName: string): ParameterDecorator & PropertyDecorator {
    return Inject(getWatermarkServiceToken(storeName));
}

/** Injects the `ResumeTokenService` of a named store. */
export function InjectResumeTokens(storeName: string): ParameterDecorator & PropertyDecorator {
    return Inject(getResumeTokenServiceToken(storeName));
}
