"""Sign in and out."""

from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from . import throttle
from .forms import SignInForm


class SignIn(views.LoginView):
    """The only door: the admin site's own login page leads here, so none is without a limit."""

    form_class = SignInForm
    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True
    extra_context = {"embedded": settings.EMBEDDED}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the form; lead htmx, which asked for a part of a page, to it with the whole page."""
        htmx = HtmxDetails(request)
        if htmx:
            wanted = quote(htmx.current_url_abs_path or "/")
            return HttpResponseClientRedirect(f"{request.path}?next={wanted}")
        return super().get(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sweep old counts on the way in; it costs one indexed statement."""
        throttle.forget_old_attempts()
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Answer 429 where it was too many, so that proxies and logs see it as well."""
        throttled = form.has_error("__all__", code="throttled")
        return self.render_to_response(
            self.get_context_data(form=form), status=429 if throttled else 200
        )


def admin_door(request: HttpRequest) -> HttpResponse:
    """Lead from the admin site's own sign-in page to ours.

    Who is signed in and still comes here is not staff: sent on, they would go in circles.
    """
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", "/admin/"))


class SignOut(views.LogoutView):
    """POST only, as Django has it: a link on another page cannot sign anybody out."""
