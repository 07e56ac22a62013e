"""Addresses of the credits pages, and the one that the provider calls."""

from django.urls import path

from credits import callbacks, views

app_name = "credits"
urlpatterns = [
    path("communities/", views.communities, name="communities"),
    path("communities/new/", views.new_community, name="community_new"),
    path("communities/<slug:slug>/", views.community, name="community"),
    path("communities/<slug:slug>/buy/", views.buy, name="community_buy"),
    path("communities/<slug:slug>/rules/", views.rules, name="community_rules"),
    path("communities/<slug:slug>/members/", views.members, name="members"),
    path("members/<int:member_id>/opt/", views.opt, name="member_opt"),
    path("campaigns/", views.campaigns, name="campaigns"),
    path("campaigns/new/", views.new_campaign, name="campaign_new"),
    path("campaigns/<uuid:campaign_id>/", views.campaign, name="campaign"),
    path(
        "campaigns/<uuid:campaign_id>/pause/",
        views.control,
        {"verb": "pause"},
        name="campaign_pause",
    ),
    path(
        "campaigns/<uuid:campaign_id>/resume/",
        views.control,
        {"verb": "resume"},
        name="campaign_resume",
    ),
    path(
        "campaigns/<uuid:campaign_id>/cancel/",
        views.control,
        {"verb": "cancel"},
        name="campaign_cancel",
    ),
    path("texts/<int:text_id>/", views.text, name="text"),
    path("callbacks/texts/<uuid:token>/", callbacks.callback, name="callback"),
]
