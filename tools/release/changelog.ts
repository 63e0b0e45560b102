import { UserError } from '../../cells/chassis/errors.ts'

/** One line of a changelog, in the words of Artifact Hub. */
export interface Change {
  kind: 'added' | 'changed' | 'deprecated' | 'removed' | 'fixed' | 'security'
  description: string
}

const UNRELEASED = '## Unreleased'
const headingOf = (version: string): string => `## ${version} - `

/**
 * Gives what is unreleased a version and a date, and begins an empty section above it.
 * @throws UserError when there is nothing to release, or the version has a section already
 */
export function cutChangelog(text: string, version: string, date: string): string {
  if (text.includes(`\n${headingOf(version)}`)) throw new UserError(`CHANGELOG.md has a section of ${version} already`)
  if (sectionOf(text, 'Unreleased') === '') throw new UserError('CHANGELOG.md has nothing that is unreleased')
  return text.replace(`${UNRELEASED}\n`, `${UNRELEASED}\n\n${headingOf(version)}${date}\n`)
}

/** The text of a section without its heading. @throws UserError when there is none */
export function sectionOf(text: string, version: string): string {
  const heading = version === 'Unreleased' ? UNRELEASED : headingOf(version)
  const start = text.indexOf(`\n${heading}`)
  if (start < 0) throw new UserError(`CHANGELOG.md has no section of ${version}: npm run release -- --cut writes it`)
  const [, ...lines] = text.slice(start + 1).split('\n')
  const end = lines.findIndex((line) => line.startsWith('## '))
  return lines
    .slice(0, end < 0 ? undefined : end)
    .join('\n')
    .trim()
}

/** The changes of a section, each by its first sentence, without Markdown. */
export function changesOf(section: string): Change[] {
  const parts = section.split(/^### /m).slice(1)
  return parts.flatMap((part) => {
    const [heading = '', ...lines] = part.split('\n')
    const items = lines.join('\n').split(/^- /m).slice(1)
    return items.map((item) => ({ kind: heading.trim().toLowerCase() as Change['kind'], description: firstSentenceOf(item) }))
  })
}

const firstSentenceOf = (item: string): string => {
  const plain = item
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll('`', '')
    .replace(/\s+/g, ' ')
    .trim()
  return /^.*?[^.\d]\.(?= [A-Z]|$)/.exec(plain)?.[0] ?? plain
}
