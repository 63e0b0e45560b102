import { type ParseArgsConfig, parseArgs } from 'node:util'

/** The arguments of a script of this repository; one that does not exist ends the process with a sentence and the usage. */
export function scriptArguments<const Options extends NonNullable<ParseArgsConfig['options']>>(options: Options, usage: string) {
  try {
    return parseArgs({ options, allowPositionals: true })
  } catch (error) {
    const [sentence] = (error as Error).message.split('. ')
    return refuseArguments(`${sentence}`, usage)
  }
}

export function refuseArguments(sentence: string, usage: string): never {
  console.error(`${sentence}\nusage: ${usage}`)
  process.exit(2)
}
