/** The README shows what is: `UPDATE_README=1 npm run test:node -- readme` writes the parts anew. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { settingRows } from './config.ts'

const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url))
const readme = readFileSync(path('README.md'), 'utf8')

function settingsTable(): string {
  const rows = settingRows().map(
    ({ name, fallback, sentence }) => `| \`${name}\` | ${fallback} | ${sentence} |`,
  )
  return ['| setting | default | |', '|---|---|---|', ...rows].join('\n')
}

/** The README with everything that comes from elsewhere put in. */
function rendered(): string {
  return readme
    .replace(/<!-- settings -->\n\n(\|.*\n)*/, () => `<!-- settings -->\n\n${settingsTable()}\n`)
    .replaceAll(
      /<!-- (e2e\/bindings\/[a-z-]+\.ts) -->\n```ts\n[^`]*(?:`[^`]+`[^`]*)*?```/g,
      (_, file: string) => `<!-- ${file} -->\n\`\`\`ts\n${readFileSync(path(file), 'utf8')}\`\`\``,
    )
}

test('settings and bindings are shown as they are', () => {
  const wanted = rendered()
  if (process.env['UPDATE_README'] === '1') writeFileSync(path('README.md'), wanted)
  else expect(readme).toBe(wanted)
})

test('every file and folder that it links to is there', () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, link = '']) => link)
  expect(links.length).toBeGreaterThan(5)
  for (const link of links) expect(() => readFileSync(path(link))).not.toThrow()
})

test('every npm script that it names is there', () => {
  const { scripts } = JSON.parse(readFileSync(path('package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const named = [...readme.matchAll(/npm run ([a-z:-]+)/g)].map(([, name = '']) => name)
  for (const name of named) expect(Object.keys(scripts)).toContain(name)
})
