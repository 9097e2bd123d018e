/** The entry of the workspace. */
import '@fontsource-variable/inter'
import '../react/styles.css'
import './styles.css'
import './editor.css'
import { StrictMode, useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { WeftProvider, useClientLife } from '../react/index.ts'
import type { WeftClient } from '../sdk/index.ts'
import { createProfile, forgetProfile, loadProfile, type Profile } from './profile.ts'
import { SignIn } from './sign-in.tsx'
import { createWorkspaceClient } from './workspace-client.ts'
import { Workspace } from './workspace.tsx'

/** A person and their client: made together, ended together, outside of rendering. */
type Session = { readonly profile: Profile; readonly client: WeftClient }

const startSession = (profile: Profile): Session => ({
  profile,
  client: createWorkspaceClient(profile),
})

function App({ known }: { readonly known: Session | null }) {
  const [session, setSession] = useState(known)
  if (session === null) {
    return <SignIn onEnter={name => setSession(startSession(createProfile(name)))} />
  }
  return (
    <WeftProvider client={session.client}>
      <Signed session={session} onSignedOut={() => setSession(null)} />
    </WeftProvider>
  )
}

type SignedProps = { readonly session: Session; readonly onSignedOut: () => void }

/** As long as nobody signs out, in this tab or in another one of the same person. */
function Signed({ session, onSignedOut }: SignedProps) {
  const life = useClientLife()
  useEffect(() => {
    if (life !== 'signed out') return
    forgetProfile()
    onSignedOut()
  }, [life, onSignedOut])
  return life === 'active' ? <Workspace profile={session.profile} /> : null
}

const profile = loadProfile()
const root = document.getElementById('root')
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <App known={profile === null ? null : startSession(profile)} />
    </StrictMode>,
  )
}
