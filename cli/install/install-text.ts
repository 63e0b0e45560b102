import { readFileSync } from 'node:fs'

/** What the chart installs with its default values, without the CRDs; a test renders it with Helm. */
export const installText = (): string => readFileSync(new URL('./install.yaml', import.meta.url), 'utf8')
