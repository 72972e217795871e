"""Where the phone reports its configuration, how, and when.

Source: phone-facts 1.4, Upload Configuration Options; chapter, Configure Restricted Access Domains.
"""

from collections.abc import Mapping

from msgspec import Struct

from ringfence.config.codecs import Secret
from ringfence.config.settings import ROWS, Settings
from ringfence.errors import ConfigError, Finding, Severity
from ringfence.features.report.engine import Timing
from ringfence.policy.applications import REPORT
from ringfence.policy.schedule import parse_schedule
from ringfence.policy.uploads import Upload, judge, secret_macros, upload_by
from ringfence.runtime.reach import Reach, awaited, macros, reach
from ringfence.runtime.state import Facts, Planned

TAG = ROWS["provisioning"]["report_rule"].tag
OPTIONS = ("key", "uid", "pwd", "delta")


class ReportPlan(Struct, frozen=True):
    """Everything that a report depends on."""

    waiting: str
    """What must come first; empty where nothing must."""
    rule: str
    """Empty where nothing is reported."""
    method: str
    """PUT or POST."""
    timing: Timing
    values: Mapping[str, str]
    secrets: Mapping[str, Secret]
    content_key: Secret
    """Keying material of RFC 8188, for a rule without a key."""
    reach: Reach

    def upload(self) -> Upload | None:
        """Return where a report goes now; None where the rule says nowhere.

        Raises:
            ConfigError: the rule cannot be followed.

        """
        return upload_by(TAG, self.rule, OPTIONS, self.values, self.secrets)


def plan(settings: Settings, facts: Facts) -> Planned[ReportPlan]:
    """Return the plan of reports; a rule that cannot be followed is a finding."""
    own = settings.provisioning
    decided = ReportPlan(
        waiting=awaited(settings, facts),
        rule=own.report_rule.strip(),
        method=own.http_report_method.value,
        timing=Timing(
            own.report_to_server,
            own.periodic_upload_to_server,
            own.upload_delay_on_local_change,
            parse_schedule(own.resync_error_retry_delay),
        ),
        values=macros(settings, facts),
        secrets=secret_macros(settings),
        content_key=own.ikm_http_encrypt_content,
        reach=reach(REPORT, settings, facts),
    )
    try:
        judge(TAG, own.report_rule, OPTIONS)
    except ConfigError as error:
        unusable = Finding(Severity.ERROR, "report-rule-unusable", TAG, error.reason, error.remedy)
        return Planned({"": decided}, (unusable,))
    return Planned({"": decided})
