//! The calls of the HTTP interface: every path with its methods, and what they lead to.
//!
//! Gate, authority and instance route by this one table, and the OpenAPI document is made from it: the comment at a call
//! is what the document says of it. The public paths of other systems stand at the end: an organisation answers for those
//! of its own profile, and the adapters (`crates/authority`) say what their documents are.

#[cfg(feature = "schema")]
pub mod description;

/// A path and its methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The methods, in upper case; `*` is any.
    pub methods: &'static [&'static str],
    /// The path: `{name}` stands for one part, a last `{*name}` for the rest, be it empty.
    pub path: &'static str,
    /// What they lead to.
    pub operation: Operation,
    /// How many bytes of the path stand before its first name: every request is held against all of them.
    fixed: usize,
}

impl Route {
    const fn new(methods: &'static [&'static str], path: &'static str, operation: Operation) -> Self {
        let (mut fixed, mut rest) = (0, path.as_bytes());
        while let [byte, after @ ..] = rest
            && *byte != b'{'
        {
            fixed = usize::saturating_add(fixed, 1);
            rest = after;
        }
        Self { methods, path, operation, fixed }
    }

    /// What stands in the place of the name, if this path fits; empty where it has none.
    fn argument<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (before, after) = self.path.split_at_checked(self.fixed)?;
        let rest = path.strip_prefix(before)?;
        if after.is_empty() {
            return rest.is_empty().then_some(rest);
        }
        let (name, after) = after.split_once('}')?;
        if name.starts_with("{*") {
            return Some(rest);
        }
        let argument = rest.strip_suffix(after)?;
        (!argument.is_empty() && !argument.contains('/')).then_some(argument)
    }
}

macro_rules! operations {
    ($($(#[doc = $doc:literal])+ $operation:ident = $($method:literal)|+ $path:literal;)+) => {
        /// A call of the HTTP interface.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {
            $($(#[doc = $doc])+ $operation,)+
        }

        /// Every route. The first path that fits wins.
        pub const ROUTES: &[Route] = &[
            $(Route::new(&[$($method),+], $path, Operation::$operation),)+
        ];

        #[cfg(feature = "schema")]
        impl Operation {
            /// Its name as the table has it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$operation => stringify!($operation),)+ }
            }

            /// What the table says of it, line by line.
            #[must_use]
            pub const fn documentation(self) -> &'static [&'static str] {
                match self { $(Self::$operation => &[$($doc),+],)+ }
            }
        }
    };
}

operations! {
    /// Whether the service is up
    ///
    /// It asks nothing else: it says that requests are answered here, not that every organisation's authority is in reach.
    Health = "GET" | "HEAD" "/healthz";
    /// Make the first organisation
    ///
    /// Once for each instance, with its setup code. The answer holds the first token's secret, which is shown this once. An
    /// answer that was lost can be asked for again with the same body, until the token is first used: it gets a new secret.
    Setup = "POST" "/v1/setup";
    /// Make a further organisation
    ///
    /// For tokens of the instance's first organisation with `organizations:create`. The body is that of setup; the setup
    /// code does not matter.
    CreateOrganization = "POST" "/v1/organizations";
    /// Who the credential is
    ///
    /// The organisation, the member or token that acts, and what it may do now. It needs no permission.
    WhoAmI = "GET" "/v1/whoami";
    /// What tokens there can be
    ///
    /// The kinds, scopes, permissions and roles of the organisation's profile, with every rule that a form needs, and
    /// which kinds you may create. It needs no permission.
    ListKinds = "GET" "/v1/kinds";
    /// List tokens
    ///
    /// Those that you may see: your own, or all of a kind, as the profile says.
    ListTokens = "GET" "/v1/tokens";
    /// Create a token
    ///
    /// The secret is in this answer and in no other. It answers once every edge accepts the token. With `public_key` there
    /// is no secret: `proof` is a signature by the private key over a challenge of `POST /v1/keys/challenge`.
    ///
    /// You cannot grant what your own credential does not have. Limited to 10 in a minute, unless the profile says
    /// otherwise. With an `Idempotency-Key` a repeated request finds the first one's token, without its secret.
    CreateToken = "POST" "/v1/tokens";
    /// Bring tokens of another system in
    ///
    /// With the SHA-256 or bcrypt hashes of their secrets: at most 100, all of them or none.
    ImportTokens = "POST" "/v1/tokens/import";
    /// End a token with its private key
    ///
    /// The request is signed with the private key of the token that it ends; it needs no permission, and works on a token
    /// that has expired.
    RevokeByKey = "POST" "/v1/tokens/revoke-by-key";
    /// Read a token
    ReadToken = "GET" "/v1/tokens/{id}";
    /// Edit a token
    ///
    /// A merge patch (RFC 7396) of what its kind lets be edited. It answers when nothing that was taken away is accepted
    /// anywhere any more; `holds_everywhere_at` says since when.
    EditToken = "PATCH" "/v1/tokens/{id}";
    /// Revoke a token
    ///
    /// It answers when no edge accepts the token any more. Revoking it again gives the same answer.
    RevokeToken = "DELETE" "/v1/tokens/{id}";
    /// Give a token a new secret
    ///
    /// The same token, with a new secret, shown this once. The old one lives on for `grace_seconds`, and ends earlier once
    /// the new one was used.
    RotateToken = "POST" "/v1/tokens/{id}/rotate";
    /// Give a token a new secret and a new end
    ///
    /// The old secret stops at once.
    RegenerateToken = "POST" "/v1/tokens/{id}/regenerate";
    /// What to sign to register a public key
    ///
    /// A public key is public: a signature by its private half shows that it is yours. A challenge is good once, for five
    /// minutes, for whoever asked.
    CreateChallenge = "POST" "/v1/keys/challenge";
    /// List members
    ListMembers = "GET" "/v1/members";
    /// Take a member in
    CreateMember = "POST" "/v1/members";
    /// Edit a member
    ///
    /// Their name, address, role or status. A lowered role or a suspension holds for all of their tokens, everywhere, when
    /// this answers. The last owner stays one.
    EditMember = "PATCH" "/v1/members/{id}";
    /// Remove a member
    ///
    /// Every token of theirs stops, everywhere, when this answers.
    RemoveMember = "DELETE" "/v1/members/{id}";
    /// Read the profile
    ReadProfile = "GET" "/v1/profile";
    /// Replace the profile
    ///
    /// With a built-in one by its name, or with the text of a file. One that lacks what a live token or a member names is
    /// refused, with the list of those.
    ReplaceProfile = "PUT" "/v1/profile";
    /// Read the route table
    ///
    /// What requests to the gateway hosts need. For tokens of the instance's first organisation with `routes:view`.
    ReadRoutes = "GET" "/v1/routes";
    /// Replace the route table
    ///
    /// It answers when no edge goes by the former one. For tokens of the instance's first organisation with `routes:edit`
    /// and every permission that its profile declares: a route can open the whole application.
    ReplaceRoutes = "PUT" "/v1/routes";
    /// Read the activity log
    ///
    /// The newest entry first.
    ListActivity = "GET" "/v1/activity";
    /// Check the activity log
    ///
    /// Each entry holds the hash of the one before: this follows the chain from its first entry to its last.
    VerifyActivity = "GET" "/v1/activity/verify";
    /// Export the activity log
    ///
    /// One JSON object a line, the oldest first, at most 2,000; the `Link` field of the answer names the next part.
    ExportActivity = "GET" "/v1/activity/export";
    /// Make a token for a pipeline
    ///
    /// The profile's onboarding token with the least that it needs, its secret shown this once, and a step to paste.
    Onboard = "POST" "/v1/onboarding";
    /// List invitations
    ListInvitations = "GET" "/v1/invitations";
    /// Invite somebody
    ///
    /// The answer holds a link that is good once, for a week; nobody is sent a mail.
    CreateInvitation = "POST" "/v1/invitations";
    /// Withdraw an invitation
    ///
    /// Its link is good no more.
    RevokeInvitation = "DELETE" "/v1/invitations/{id}";
    /// Become a member
    ///
    /// With the secret of an invitation, and no other credential. Where the profile lets a new member have a first token,
    /// its secret is in this answer, this once.
    AcceptInvitation = "POST" "/v1/invitations/{id}/accept";
    /// Check a credential
    ///
    /// For a resource server, which needs `credentials:verify`: is this secret, or this signed request, good, and may it do
    /// what is required? It answers 200 either way, with `code` `ok` where the credential is good. Tokens of another
    /// organisation are `unknown_token`.
    Verify = "POST" "/v1/verify";
    /// Let Envoy ask
    ///
    /// The HTTP service of `ext_authz`: method, host and path of the request are the call's own, the path behind ours.
    ForwardAuthPath = "*" "/v1/forward-auth/envoy/{*path}";
    /// Let a proxy ask
    ///
    /// nginx (`auth_request`), Traefik (`forwardAuth`), Caddy (`forward_auth`) or Envoy (`ext_authz`) asks whether a request
    /// may pass; the route table decides. Each tells of the request in fields of its own, and shows the secret that it
    /// shares with the instance. Every 200 sets every identity field.
    ForwardAuth = "*" "/v1/forward-auth/{proxy}";
    /// What asks for a login
    ///
    /// The device or command line that waits under a code: what it calls itself, and from where it asks.
    ShowDevice = "GET" "/v1/device";
    /// Approve a login
    ///
    /// It gets the least that the profile's kind for logins has, bounded by what you may do. Only a person approves: in a
    /// session of the console, with a fresh passkey; a token or a key is refused, whatever it may do.
    ApproveDevice = "POST" "/v1/device/approve";
    /// Deny a login
    DenyDevice = "POST" "/v1/device/deny";
    /// List your passkeys
    ListPasskeys = "GET" "/v1/passkeys";
    /// Register a passkey
    ///
    /// With the first one come recovery codes, shown this once.
    AddPasskey = "POST" "/v1/passkeys";
    /// Begin to register a passkey
    ///
    /// What to hand to `navigator.credentials.create`.
    BeginPasskey = "POST" "/v1/passkeys/options";
    /// Make new recovery codes
    ///
    /// In place of all former ones, shown this once.
    RenewRecoveryCodes = "POST" "/v1/passkeys/recovery-codes";
    /// Remove a passkey
    ///
    /// The sessions that it began end, but for the one in use.
    RemovePasskey = "DELETE" "/v1/passkeys/{id}";
    /// List your sessions
    ListSessions = "GET" "/v1/sessions";
    /// Sign in with a passkey
    ///
    /// The session's secret is in a cookie that no script can read; the answer holds what the page must repeat in
    /// `X-Symbolon-CSRF`. From a page of this host alone.
    SignIn = "POST" "/v1/sessions";
    /// Begin to sign in
    ///
    /// What to hand to `navigator.credentials.get`. Any passkey of this host will do: nobody learns who is a member.
    SignInOptions = "POST" "/v1/sessions/options";
    /// Sign in with a recovery code
    ///
    /// A code is good once. From a page of this host alone.
    RecoverSession = "POST" "/v1/sessions/recover";
    /// Whether one can sign in at a provider
    ///
    /// The instance's provider of identities (OpenID Connect), for the page that offers it.
    ReadProvider = "GET" "/v1/sessions/oidc";
    /// Begin to sign in at the provider
    ///
    /// Where to send the browser. From a page of this host alone; nobody learns whether there is an organisation of that
    /// name.
    SignInAtProvider = "POST" "/v1/sessions/oidc";
    /// Come back from the provider
    ///
    /// The provider sends browsers here, and they are sent on to the console: with a session, or with what went wrong.
    ReturnFromProvider = "GET" "/v1/sessions/oidc/callback";
    /// The session in use
    ReadSession = "GET" "/v1/sessions/current";
    /// Sign out
    EndCurrentSession = "DELETE" "/v1/sessions/current";
    /// Show the passkey once more
    ///
    /// Destructive steps want a fresh one: the session counts as fresh after this, and has a new secret in its cookie.
    ConfirmSession = "POST" "/v1/sessions/current/confirm";
    /// Show yourself at the provider once more
    ///
    /// For members who have an identity there, and no passkey. Where to send the browser.
    BeginConfirm = "POST" "/v1/sessions/current/oidc";
    /// List your identities
    ///
    /// Who you are at the provider.
    ListIdentities = "GET" "/v1/identities";
    /// Begin to link an identity
    ///
    /// Where to send the browser.
    BeginIdentity = "POST" "/v1/identities";
    /// Remove an identity
    ///
    /// The sessions that it began end, but for the one in use.
    RemoveIdentity = "DELETE" "/v1/identities/{id}";
    /// How members sign in
    ReadSignIn = "GET" "/v1/sign-in";
    /// Say how members sign in
    ///
    /// Going by addresses lets the provider speak for every member: it wants whoever may make somebody an owner.
    ReplaceSignIn = "PUT" "/v1/sign-in";
    /// End a session
    EndSession = "DELETE" "/v1/sessions/{id}";
    /// Begin the login of a device
    ///
    /// RFC 8628, section 3.1. There are no registered clients: `client_id` is what the client calls itself.
    AuthorizeDevice = "POST" "/oauth/device_authorization";
    /// Collect the token of a login
    ///
    /// RFC 8628, section 3.4. The token is handed out once.
    CollectToken = "POST" "/oauth/token";
    /// What a token is
    ///
    /// RFC 7662, for whoever has `credentials:verify`: of its own organisation's tokens alone. Of a token that is not good
    /// it says only that.
    Introspect = "POST" "/oauth/introspect";
    /// End a token that one holds
    ///
    /// RFC 7009. The answer is the same for a token that is unknown or has ended.
    RevokeSelf = "POST" "/oauth/revoke";
    /// Where the calls of OAuth are
    ///
    /// RFC 8414.
    ReadMetadata = "GET" | "HEAD" "/.well-known/oauth-authorization-server";
    /// DevGuard: list your tokens
    ///
    /// A bare array. A slash at the end of these paths is no matter.
    DevguardListTokens = "GET" "/api/v1/pats";
    /// DevGuard: create a token
    ///
    /// With `pubKey` there is no secret: the first registration of a key in the instance holds.
    DevguardCreateToken = "POST" "/api/v1/pats";
    /// DevGuard: end a token by its private key
    ///
    /// Off until the organisation's profile switches it on. Our own clients sign instead.
    DevguardRevokeByPrivateKey = "POST" "/api/v1/pats/revoke-by-private-key";
    /// DevGuard: revoke a token
    DevguardRevokeToken = "DELETE" "/api/v1/pats/{id}";
    /// DevGuard: who the credential is
    DevguardWhoAmI = "GET" "/api/v1/whoami";
    /// HarborGuard: list your personal access tokens
    HarborguardListTokens = "GET" "/api/personal-access-tokens";
    /// HarborGuard: create a personal access token
    HarborguardCreateToken = "POST" "/api/personal-access-tokens";
    /// HarborGuard: revoke a personal access token
    HarborguardRevokeToken = "DELETE" "/api/personal-access-tokens/{id}";
    /// HarborGuard: list API keys
    HarborguardListKeys = "GET" "/api/api-keys";
    /// HarborGuard: create an API key
    HarborguardCreateKey = "POST" "/api/api-keys";
    /// HarborGuard: revoke an API key
    HarborguardRevokeKey = "DELETE" "/api/api-keys/{id}";
    /// Semgrep: collect the token of a login
    ///
    /// Not found until somebody has activated it in the console.
    SemgrepCollectToken = "POST" "/api/agent/tokens/requests";
    /// Semgrep: the organisation of the token
    SemgrepReadDeployment = "GET" "/api/agent/deployments/current";
    /// Semgrep: whose token it is
    SemgrepReadIdentity = "GET" "/api/agent/identity";
    /// Devtron: list API tokens
    DevtronListTokens = "GET" "/orchestrator/api-token";
    /// Devtron: create an API token
    ///
    /// It has no permissions until it is given some in the console or with `PATCH /v1/tokens/{id}`.
    DevtronCreateToken = "POST" "/orchestrator/api-token";
    /// Devtron: change an API token
    ///
    /// The description changes in place. Another expiration makes a new secret, and the old one stops.
    DevtronEditToken = "PUT" "/orchestrator/api-token/{number}";
    /// Devtron: revoke an API token
    DevtronRevokeToken = "DELETE" "/orchestrator/api-token/{number}";
}

impl Operation {
    /// Whether it is another system's.
    #[must_use]
    pub const fn is_foreign(self) -> bool {
        matches!(
            self,
            Self::DevguardListTokens
                | Self::DevguardCreateToken
                | Self::DevguardRevokeByPrivateKey
                | Self::DevguardRevokeToken
                | Self::DevguardWhoAmI
                | Self::HarborguardListTokens
                | Self::HarborguardCreateToken
                | Self::HarborguardRevokeToken
                | Self::HarborguardListKeys
                | Self::HarborguardCreateKey
                | Self::HarborguardRevokeKey
                | Self::SemgrepCollectToken
                | Self::SemgrepReadDeployment
                | Self::SemgrepReadIdentity
                | Self::DevtronListTokens
                | Self::DevtronCreateToken
                | Self::DevtronEditToken
                | Self::DevtronRevokeToken
        )
    }
}

/// A path of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'p> {
    pattern: &'static str,
    /// What stands in the place of `{name}`; empty where the path has none.
    pub argument: &'p str,
}

/// Finds a path, as it stands in a URL: percent-encoded, and without a slash at its end, which is no matter for another
/// system's.
#[must_use]
pub fn find(path: &str) -> Option<Found<'_>> {
    let bare = path.strip_suffix('/').unwrap_or(path);
    ROUTES.iter().find_map(|route| {
        let path = if route.operation.is_foreign() { bare } else { path };
        Some(Found { pattern: route.path, argument: route.argument(path)? })
    })
}

impl Found<'_> {
    fn routes(&self) -> impl Iterator<Item = &'static Route> {
        let pattern = self.pattern;
        ROUTES.iter().filter(move |route| route.path == pattern)
    }

    /// The path as the table has it.
    #[must_use]
    pub const fn pattern(&self) -> &'static str {
        self.pattern
    }

    /// What a method leads to; none where the path does not have it. HEAD asks for what GET would be answered, without its
    /// body, wherever there is GET (RFC 9110, section 9.3.2).
    #[must_use]
    pub fn operation(&self, method: &str) -> Option<Operation> {
        let leads = |method: &str| {
            let has = |route: &&Route| route.methods.iter().any(|known| *known == "*" || *known == method);
            self.routes().find(has).map(|route| route.operation)
        };
        leads(method).or_else(|| if method == "HEAD" { leads("GET") } else { None })
    }

    /// The methods that the path has, as the field `Allow` names them (RFC 9110, section 10.2.1).
    #[must_use]
    pub fn allow(&self) -> String {
        let methods: Vec<&str> = self.routes().flat_map(|route| route.methods).copied().collect();
        let head = methods.contains(&"GET") && !methods.contains(&"HEAD");
        let all =
            methods.iter().flat_map(|method| [*method].into_iter().chain((head && *method == "GET").then_some("HEAD")));
        all.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &str, path: &str, expected: Option<(Operation, &str)>) {
        let found = find(path).and_then(|found| Some((found.operation(method)?, found.argument)));
        assert_eq!(found, expected, "{method} {path}");
    }

    #[test]
    fn routes_are_found() {
        check("GET", "/v1/whoami", Some((Operation::WhoAmI, "")));
        check("POST", "/v1/tokens/import", Some((Operation::ImportTokens, "")));
        check("GET", "/v1/tokens/import", None);
        check("HEAD", "/v1/tokens/x", Some((Operation::ReadToken, "x")));
        check("HEAD", "/v1/tokens/import", None);
        check("GET", "/v1/tokens/x", Some((Operation::ReadToken, "x")));
        check("POST", "/v1/tokens/x/rotate", Some((Operation::RotateToken, "x")));
        check("POST", "/v1/tokens//rotate", None);
        check("GET", "/v1/tokens/", None);
        check("GET", "/v1/tokens/x/y", None);
        check("HEAD", "/healthz", Some((Operation::Health, "")));
        check("DELETE", "/v1/sessions/current", Some((Operation::EndCurrentSession, "")));
        check("DELETE", "/v1/sessions/x", Some((Operation::EndSession, "x")));
        check("PROPFIND", "/v1/forward-auth/nginx", Some((Operation::ForwardAuth, "nginx")));
        check("GET", "/v1/forward-auth/envoy", Some((Operation::ForwardAuth, "envoy")));
        check("GET", "/v1/forward-auth/envoy/", Some((Operation::ForwardAuthPath, "")));
        check("GET", "/v1/forward-auth/envoy/a//b/", Some((Operation::ForwardAuthPath, "a//b/")));
        check("GET", "/V1/whoami", None);
        check("GET", "/v1/whoami/", None);
        check("GET", "/api/v1/pats/", Some((Operation::DevguardListTokens, "")));
        check("DELETE", "/api/v1/pats/x/", Some((Operation::DevguardRevokeToken, "x")));
        check("POST", "/api/v1/pats/revoke-by-private-key", Some((Operation::DevguardRevokeByPrivateKey, "")));
        check("DELETE", "/api/v1/pats/revoke-by-private-key", None);
        check("DELETE", "/api/v1/pats//", None);
        check("GET", "/orchestrator/api-token", Some((Operation::DevtronListTokens, "")));
        check("PUT", "/orchestrator/api-token/7", Some((Operation::DevtronEditToken, "7")));
    }

    #[test]
    fn allow_names_every_method_of_the_path() {
        assert_eq!(find("/v1/tokens/x").unwrap().allow(), "GET, HEAD, PATCH, DELETE");
        assert_eq!(find("/v1/tokens").unwrap().allow(), "GET, HEAD, POST");
        assert_eq!(find("/healthz").unwrap().allow(), "GET, HEAD");
        assert_eq!(find("/v1/setup").unwrap().allow(), "POST");
        assert_eq!(find("/v1/forward-auth/nginx").unwrap().allow(), "*");
    }

    #[test]
    fn no_route_hides_another() {
        for (index, route) in ROUTES.iter().enumerate() {
            let path: String =
                route.path.split_inclusive(['{', '}']).map(|part| part.trim_matches(['{', '}'])).collect();
            let path = path.replace('*', "");
            let found = find(&path).unwrap();
            for method in route.methods {
                assert_eq!(found.operation(method), Some(route.operation), "{method} {}", route.path);
            }
            assert!(ROUTES.iter().skip(index + 1).all(|other| other.operation != route.operation), "{}", route.path);
        }
    }
}
