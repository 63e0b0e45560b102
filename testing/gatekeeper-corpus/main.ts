import { withoutTrailingSlash } from '../../cells/chassis/base-url.ts'
import { refuseArguments, scriptArguments } from '../script-arguments.ts'
import { ask } from './corpus.ts'

// Asks any gatekeeper what clients ask, and prints where its answers differ from the protocol. It bans and warns wallets that no player has.

const options = { 'moderator-token': { type: 'string' }, 'service-token': { type: 'string' } } as const
const usage = 'npm run corpus -- URL [--moderator-token TOKEN] [--service-token TOKEN]'
const { values, positionals } = scriptArguments(options, usage)
const [url] = positionals
if (!url || !URL.canParse(url)) refuseArguments('the URL of a gatekeeper is needed', usage)
const tokens = { moderator: values['moderator-token'], service: values['service-token'] }
const { asked, differences } = await ask(withoutTrailingSlash(url), tokens).catch((error: unknown) => {
  console.error(`${url} does not answer: ${error instanceof Error ? error.message : error}`)
  process.exit(4)
})
for (const { question, found } of differences)
  console.log(`${question.title} (${question.method} ${question.path}): expected ${question.status}, found ${found}`)
console.log(`${asked} requests, ${differences.length} answers differ`)
process.exitCode = differences.length > 0 ? 1 : 0
