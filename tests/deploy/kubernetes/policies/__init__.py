"""What must be true of everything that is rendered, whatever the schemas allow. Each policy is a
function that returns its violations, one sentence each."""

from collections.abc import Callable, Iterator

from tests.deploy.kubernetes.policies import (
    backups,
    budget,
    network,
    pods,
    references,
    rollout,
    settings,
)
from tests.deploy.kubernetes.rendered import Rendered

Policy = Callable[[Rendered], Iterator[str]]

POLICIES: tuple[Policy, ...] = (
    pods.pods_are_restricted,
    pods.containers_are_restricted,
    pods.volumes_are_bounded,
    pods.namespace_enforces_restricted,
    pods.images_are_pinned,
    pods.resources_are_said,
    pods.pods_are_spread,
    rollout.probes_ask_the_right_questions,
    rollout.a_stop_has_time_to_drain,
    rollout.a_roll_out_keeps_capacity,
    rollout.nodes_can_be_drained,
    rollout.the_autoscaler_is_calm,
    rollout.each_release_has_its_migration,
    references.selectors_find_their_pods,
    references.monitors_find_their_services,
    references.services_lead_to_pods,
    references.routes_lead_to_services,
    references.references_exist,
    settings.secrets_are_mounted_and_documented,
    settings.secrets_are_read_only,
    settings.nothing_secret_is_written_down,
    settings.keys_are_known,
    budget.connections_fit_the_database,
    budget.pods_fit_the_pooler,
    network.what_is_not_allowed_is_denied,
    network.only_those_who_must_come_in,
    network.proxies_are_known,
    network.the_client_does_not_choose_its_host,
    network.certificates_are_renewed,
    network.plain_http_only_redirects,
    network.hosts_agree,
    backups.backups_are_made_and_watched,
)
