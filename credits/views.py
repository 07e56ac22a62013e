"""The credits pages. A viewer sees, an operator acts; the rules are in the services."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from credits import plot, selectors, services, story
from credits.forms import BuyForm, CampaignForm, CommunityForm, RulesForm
from credits.inputs import InvalidInput
from credits.models import Campaign, Community, Member, TextMessage

PER_PAGE = 50
NEWEST = 20

may_see_communities = permission_required("credits.view_community", raise_exception=True)
may_see_campaigns = permission_required("credits.view_campaign", raise_exception=True)
may_see_texts = permission_required("credits.view_textmessage", raise_exception=True)
may_create = permission_required("credits.add_community", raise_exception=True)
may_change = permission_required("credits.change_community", raise_exception=True)
may_buy = permission_required("credits.add_creditentry", raise_exception=True)
may_start = permission_required("credits.add_campaign", raise_exception=True)
may_control = permission_required("credits.change_campaign", raise_exception=True)
may_change_members = permission_required("credits.change_member", raise_exception=True)
#: One address answers browsers with a page and htmx with a part of it: no cache may mix them up.
part_for_htmx = vary_on_headers("HX-Request")


@login_required
@may_see_communities
@part_for_htmx
@require_safe
def communities(request: HttpRequest) -> HttpResponse:
    """List communities with their credits."""
    page = Paginator(selectors.list_communities(), PER_PAGE).get_page(request.GET.get("page"))
    return _show(request, "communities", {"page": page})


@login_required
@may_see_communities
@part_for_htmx
@require_safe
def community(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one community: its credits, its ledger, its campaigns."""
    return _community_page(request, _community(slug))


@login_required
@may_create
@require_http_methods(["GET", "HEAD", "POST"])
def new_community(request: HttpRequest) -> HttpResponse:
    """Create a community."""
    form = CommunityForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_community(**form.cleaned_data)
        except InvalidInput as refusal:
            form.add_refusal(refusal)
        else:
            return redirect("credits:community", made.slug)
    status = 422 if form.errors else 200
    return render(request, "credits/new_community.html", {"form": form}, status=status)


@login_required
@may_buy
@require_POST
def buy(request: HttpRequest, slug: str) -> HttpResponse:
    """Buy credits. However often one rendered form is sent, it buys once."""
    shown = _community(slug)
    form = BuyForm(request.POST)
    if not form.is_valid():
        return _community_page(request, shown, buy_form=form)
    key = f"page:{request.user.pk}:{form.cleaned_data['key']}"
    try:
        entry = services.buy_credits(
            slug=slug, amount=form.cleaned_data["amount"].strip(), actor=_actor(request), key=key
        )
        messages.success(request, f"{entry.amount:,} credits are bought.")
    except InvalidInput as refusal:
        form.add_refusal(refusal)
        return _community_page(request, shown, buy_form=form)
    except services.KeyReused:
        messages.warning(request, "That form has bought credits already. Here is a fresh one.")
    return redirect("credits:community", slug)


@login_required
@may_change
@require_POST
def rules(request: HttpRequest, slug: str) -> HttpResponse:
    """Set the daily cap and what becomes of unknown outcomes."""
    shown = _community(slug)
    form = RulesForm(request.POST)
    if not form.is_valid():
        return _community_page(request, shown, rules_form=form)
    try:
        services.change_rules(slug=slug, **form.cleaned_data)
    except InvalidInput as refusal:
        form.add_refusal(refusal)
        return _community_page(request, shown, rules_form=form)
    messages.success(request, "The rules are saved.")
    return redirect("credits:community", slug)


@login_required
@may_see_communities
@require_safe
def members(request: HttpRequest, slug: str) -> HttpResponse:
    """List a community's members."""
    shown = _community(slug)
    page = Paginator(shown.members.order_by("pk"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "credits/members.html", {"community": shown, "page": page})


@login_required
@may_change_members
@require_POST
def opt(request: HttpRequest, member_id: int) -> HttpResponse:
    """Opt a member out of texts, or in again."""
    member = get_object_or_404(Member.objects.select_related("community"), pk=member_id)
    if request.POST.get("wants") == "no":
        services.opt_out(member_id=member.pk)
    else:
        services.opt_in(member_id=member.pk)
    return redirect("credits:members", member.community.slug)


@login_required
@may_see_campaigns
@part_for_htmx
@require_safe
def campaigns(request: HttpRequest) -> HttpResponse:
    """List campaigns, newest first."""
    status = request.GET.get("status", "")
    status = status if status in Campaign.Status.values else ""
    found = Paginator(selectors.list_campaigns(status=status), PER_PAGE)
    page = found.get_page(request.GET.get("page"))
    rows = selectors.progress_of(page)
    context = {"page": page, "rows": rows, "status": status, "statuses": Campaign.Status.choices}
    return _show(request, "campaigns", context)


@login_required
@may_see_campaigns
@part_for_htmx
@require_safe
def campaign(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """Show one campaign as it goes on."""
    shown = _campaign(campaign_id)
    state = request.GET.get("state", "")
    state = state if state in TextMessage.State.values else ""
    progress = selectors.progress(shown)
    steps = selectors.settled_over_time(shown)
    texts = Paginator(selectors.list_texts(shown, state=state), PER_PAGE)
    context = {
        "campaign": shown,
        "progress": progress,
        "plot": plot.progress_plot(steps, most=shown.texts_planned),
        "page": texts.get_page(request.GET.get("page")),
        "state": state,
        "states": TextMessage.State.choices,
        "is_open": shown.status in Campaign.OPEN,
        "goes_on": shown.status in Campaign.OPEN or progress.unknown or progress.held,
    }
    return _show(request, "campaign", context)


@login_required
@may_start
@require_http_methods(["GET", "HEAD", "POST"])
def new_campaign(request: HttpRequest) -> HttpResponse:
    """Start a campaign; too few credits are said at the form."""
    if request.method != "POST":
        wanted = {"community": request.GET.get("community", "")}
        return _campaign_page(request, CampaignForm(initial=wanted))
    form = CampaignForm(request.POST)
    if not form.is_valid():
        return _campaign_page(request, form)
    key = f"page:{request.user.pk}:{form.cleaned_data['key']}"
    try:
        made = services.start_campaign(actor=_actor(request), key=key, **form.request())
    except InvalidInput as refusal:
        form.add_refusal(refusal)
    except services.TooFewCredits as refusal:
        form.add_error(None, str(refusal))
    except services.KeyReused:
        form.add_error(None, "This form has started a campaign already. Reload it for another.")
    else:
        return redirect("credits:campaign", made.pk)
    return _campaign_page(request, form)


@login_required
@may_control
@require_POST
def control(request: HttpRequest, campaign_id: UUID, verb: str) -> HttpResponse:
    """Pause, resume or cancel; a second press finds it done."""
    try:
        if verb == "cancel":
            services.cancel_campaign(campaign_id=campaign_id, actor=_actor(request))
        elif verb == "pause":
            services.pause_campaign(campaign_id=campaign_id)
        else:
            services.resume_campaign(campaign_id=campaign_id)
    except Campaign.DoesNotExist:
        raise Http404 from None
    except services.NotPossible as refusal:
        messages.warning(request, str(refusal))
    return redirect("credits:campaign", campaign_id)


@login_required
@may_see_texts
@part_for_htmx
@require_safe
def text(request: HttpRequest, text_id: int) -> HttpResponse:
    """Show one text and its story."""
    try:
        shown = selectors.find_text(text_id)
    except TextMessage.DoesNotExist:
        raise Http404 from None
    context = {
        "text": shown,
        "steps": story.of(shown),
        "goes_on": shown.state in TextMessage.OPEN or shown.state == TextMessage.State.SENT,
    }
    return _show(request, "text", context)


def _community_page(request: HttpRequest, shown: Community, **forms: Any) -> HttpResponse:
    current = {"daily_cap": shown.daily_cap, "unknown_policy": shown.unknown_policy}
    latest = selectors.list_campaigns().filter(community=shown)[:NEWEST]
    context = {
        "community": shown,
        "ledger_sum": selectors.ledger_sum(shown),
        "entries": selectors.latest_entries(shown)[:NEWEST],
        "members": shown.members.count(),
        "rows": selectors.progress_of(latest),
        "buy_form": BuyForm(),
        "rules_form": RulesForm(initial=current),
        **forms,
    }
    return _show(request, "community", context, status=422 if forms else 200)


def _campaign_page(request: HttpRequest, form: CampaignForm) -> HttpResponse:
    status = 422 if form.errors else 200
    return render(request, "credits/new_campaign.html", {"form": form}, status=status)


def _show(
    request: HttpRequest, name: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """Answer a browser with the page, and htmx with the part of it that changes."""
    folder = "credits/parts" if "HX-Request" in request.headers else "credits"
    return render(request, f"{folder}/{name}.html", context, status=status)


def _community(slug: str) -> Community:
    try:
        return selectors.find_community(slug)
    except Community.DoesNotExist:
        raise Http404 from None


def _campaign(campaign_id: UUID) -> Campaign:
    try:
        return selectors.find_campaign(campaign_id)
    except Campaign.DoesNotExist:
        raise Http404 from None


def _actor(request: HttpRequest) -> str:
    return str(request.user.get_username())
